import type { BenchProcess } from '../child-process.ts';
import { alternate, atMost, productErrors, productMedian, type Bench, type Row, type RowResult } from '../row.ts';
import { median } from '../statistics.ts';
import {
  ensureLargeIndexed,
  ensurePopulated,
  largeTenant,
  manyPopulation,
  p95,
  sampleSearches,
  warmUp,
} from '../search/searched.ts';
import { searchesOf, searchesOfMany, type SearchBody } from '../search/searches.ts';

const differentQueries = 200;

interface Paced {
  readonly name: string;
  readonly rate: number;
  readonly mostMs: number;
  /** Searches of a run; the first `differentQueries` are asked before, which is what makes vectors known. */
  readonly searches: readonly SearchBody[];
}

/** How long does a search take at a given rate, when the vectors of its queries are known? */
async function measurePaced(bench: Bench, api: BenchProcess, paced: Paced): Promise<RowResult> {
  const { stack, options } = bench;
  const { name, rate, mostMs, searches } = paced;
  await using bare = await stack.startBareServer();
  await warmUp(api, stack.apiKey, searches.slice(0, differentQueries));
  const pairs = await alternate(
    options.runs,
    (run) => {
      const pids = { server: bare.pid };
      return sampleSearches(bench, { url: bare.url, pids, searches, rate, name: `${name}-bare-${run}` });
    },
    (run) => sampleSearches(bench, { url: api.url, pids: { api: api.pid }, searches, rate, name: `${name}-${run}` }),
  );
  const bareP95 = median(pairs.map(({ baseline }) => p95(baseline)));
  return {
    pairs,
    notes: [`p95 of the bare server: ${bareP95} ms`],
    checks: [atMost('p95 ms', productMedian(pairs, p95), mostMs), atMost('errors', productErrors(pairs), 0)],
  };
}

const baseline = 'bare Hono + zod at the same rate: what the generator itself adds';

export const searchLarge: Row = {
  name: 'search-large',
  what: 'searches of one large tenant, vectors of queries known, 100 a second offered (open loop)',
  baseline,
  async measure(bench) {
    await using api = await bench.stack.start('api');
    await ensureLargeIndexed(bench);
    const searches = searchesOf(largeTenant, differentQueries);
    return await measurePaced(bench, api, { name: 'search-large', rate: 100, mostMs: 40, searches });
  },
};

export const searchMany: Row = {
  name: 'search-many',
  what: 'searches of many tenants, vectors of queries known, 100 a second offered (open loop)',
  baseline,
  async measure(bench) {
    await using api = await bench.stack.start('api');
    const population = manyPopulation(bench);
    await ensurePopulated(bench, population);
    const searches = searchesOfMany(population, 5000, differentQueries);
    return await measurePaced(bench, api, { name: 'search-many', rate: 100, mostMs: 60, searches });
  },
};
