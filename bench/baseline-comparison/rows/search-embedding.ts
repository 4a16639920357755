import { alternate, atMost, productErrors, productMedian, type Row } from '../row.ts';
import { median } from '../statistics.ts';
import { ensureLargeIndexed, largeTenant, p95, sampleSearches, warmUp } from '../search/searched.ts';
import { searchesOf } from '../search/searches.ts';

const rate = 50;
const knownQueries = 200;

/** What does a query cost that was never asked before? Its vector is computed in the api's own thread for queries. */
export const searchEmbedding: Row = {
  name: 'search-embedding',
  what: `searches of one large tenant, every query a new one, ${rate} a second offered (open loop)`,
  baseline: 'the same with queries that are known',
  async measure(bench) {
    const { stack, options } = bench;
    await using api = await stack.start('api');
    await ensureLargeIndexed(bench);
    const known = searchesOf(largeTenant, knownQueries);
    await warmUp(api, stack.apiKey, known);
    const pids = { api: api.pid };
    const each = Math.ceil(rate * (options.seconds + options.warmupSeconds)) + 1;
    const pairs = await alternate(
      options.runs,
      (run) => sampleSearches(bench, { url: api.url, pids, searches: known, rate, name: `search-known-${run}` }),
      (run) => {
        const searches = searchesOf(largeTenant, each, 1_000_000 + run * each);
        return sampleSearches(bench, { url: api.url, pids, searches, rate, name: `search-embedding-${run}` });
      },
    );
    const knownP95 = median(pairs.map(({ baseline }) => p95(baseline)));
    return {
      pairs,
      notes: [`p95 of known queries: ${knownP95} ms`],
      checks: [atMost('p95 ms', productMedian(pairs, p95), 120), atMost('errors', productErrors(pairs), 0)],
    };
  },
};
