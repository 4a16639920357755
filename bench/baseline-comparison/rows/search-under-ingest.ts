import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchProcess } from '../child-process.ts';
import { alternate, atMost, productErrors, type Bench, type Row } from '../row.ts';
import { sampleLoad } from '../sample.ts';
import { median } from '../statistics.ts';
import { ensurePopulated, manyPopulation, p95, sampleSearches, warmUp } from '../search/searched.ts';
import { searchesOfMany } from '../search/searches.ts';

const rate = 50;
const differentQueries = 200;
// Enough single posts at a time to keep the api at its limit.
const ingestClients = 100;
// About half of what an embed worker alone on two cores does with the bundled model.
const steadyRate = 500;
// As where a worker shares a machine with an api.
const niceness = 19;

interface Load {
  readonly name: string;
  readonly posts: string;
  /** Posts a second to offer. */
  readonly choose: (bench: Bench, api: BenchProcess) => Promise<number>;
}

/** What do writing and embedding take from searches on the same machine, when each has half of what it could do alone? */
export const searchUnderIngest = searchUnder({
  name: 'search-under-ingest',
  posts: 'single posts come at half of what the api takes',
  choose: async (bench, api) => (await offerPosts(bench, api, { name: 'search-under-ingest-most' })).perSecond / 2,
});

/** And when as much comes as half of what can be embedded? */
export const searchUnderSteadyIngest = searchUnder({
  name: 'search-under-steady-ingest',
  posts: `${steadyRate} single posts a second come`,
  choose: async () => steadyRate,
});

function searchUnder({ name, posts, choose }: Load): Row {
  return {
    name,
    what: `searches of many tenants, ${rate} a second, while ${posts} and a niced embed worker has half of its threads`,
    baseline: 'the same searches, nothing else',
    async measure(bench) {
      const { stack, options } = bench;
      await using api = await stack.start('api');
      const population = manyPopulation(bench);
      await ensurePopulated(bench, population);
      const searches = searchesOfMany(population, 5000, differentQueries);
      await warmUp(api, stack.apiKey, searches.slice(0, differentQueries));
      const postRate = await choose(bench, api);
      const pids = { api: api.pid };
      const offered = { url: api.url, pids, searches, rate };
      const embedded: number[] = [];
      const pairs = await alternate(
        options.runs,
        (run) => sampleSearches(bench, { ...offered, name: `${name}-idle-${run}` }),
        async (run) => {
          await using worker = await stack.start('embed-worker', {
            nice: niceness,
            env: { MEMORY_EMBEDDING_THREADS: '1' },
          });
          const posted = offerPosts(bench, api, { name: `${name}-posts-${run}`, rate: postRate });
          await sleep(1000);
          const before = await stack.countPending();
          const startedAt = performance.now();
          const both = { ...pids, 'embed-worker': worker.pid };
          const sample = await sampleSearches(bench, { ...offered, pids: both, name: `${name}-${run}` });
          const seconds = (performance.now() - startedAt) / 1000;
          const grown = (await stack.countPending()) - before;
          const { errors, perSecond } = await posted;
          embedded.push(perSecond - grown / seconds);
          return { ...sample, errors: sample.errors + errors, more: { posts: perSecond } };
        },
      );
      const ratio =
        median(pairs.map(({ product }) => p95(product))) / median(pairs.map(({ baseline }) => p95(baseline)));
      return {
        pairs,
        notes: [
          `${Math.round(postRate)} posts/s offered`,
          `embedding: ${Math.round(median(embedded))}/s beside the searches, niceness ${niceness}`,
        ],
        checks: [atMost('p95 under load / idle', ratio, 2), atMost('errors', productErrors(pairs), 0)],
      };
    },
  };
}

interface Posts {
  readonly name: string;
  /** As many as the api takes if there is none. */
  readonly rate?: number;
}

function offerPosts(bench: Bench, api: BenchProcess, { name, rate: perSecond }: Posts) {
  const { stack, options } = bench;
  // Longer than the searches: from before the first one until after the last one.
  const time = ['--seconds', `${options.seconds + options.warmupSeconds + 2}`, '--warmup', '1'];
  const pace = perSecond === undefined ? [] : ['--rate', `${Math.round(perSecond)}`];
  const args = ['--mix', 'single', '--clients', `${ingestClients}`, ...time, ...pace];
  return sampleLoad({ stack, url: api.url, pids: { api: api.pid }, args, folder: bench.folderOf(name) });
}
