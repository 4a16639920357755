import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchProcess } from '../child-process.ts';
import { alternate, atMost, productErrors, type Bench, type Row } from '../row.ts';
import { sampleLoad } from '../sample.ts';
import { median } from '../statistics.ts';
import { ensurePopulated, manyPopulation, p95, sampleSearches, warmUp } from '../search/searched.ts';
import { searchesOfMany } from '../search/searches.ts';

const rate = 50;
const differentQueries = 200;
// So many single posts at a time that the api is at its limit.
const ingestClients = 100;
// As where a worker shares a machine with an api.
const niceness = 10;

/** What do writing and embedding take from searches on the same machine? */
export const searchUnderIngest: Row = {
  name: 'search-under-ingest',
  what: `searches of many tenants, ${rate} a second, while single posts come at half of what the api takes and a niced embed worker has half of its threads`,
  yardstick: 'the same searches, nothing else',
  async measure(bench) {
    const { stack, options } = bench;
    await using api = await stack.start('api');
    const population = manyPopulation(bench);
    await ensurePopulated(bench, population);
    const searches = searchesOfMany(population, 5000, differentQueries);
    await warmUp(api, stack.apiKey, searches.slice(0, differentQueries));
    const ingestRate = await measureIngest(bench, api);
    const pids = { api: api.pid };
    const offered = { url: api.url, pids, searches, rate };
    const embedded: number[] = [];
    const pairs = await alternate(
      options.runs,
      (run) => sampleSearches(bench, { ...offered, name: `search-idle-${run}` }),
      async (run) => {
        await using worker = await stack.start('embed-worker', {
          nice: niceness,
          env: { MEMORY_EMBEDDING_THREADS: '1' },
        });
        const posted = offerPosts(bench, api, { rate: ingestRate / 2, run });
        await sleep(1000);
        const before = await stack.countPending();
        const startedAt = performance.now();
        const both = { ...pids, 'embed-worker': worker.pid };
        const sample = await sampleSearches(bench, { ...offered, pids: both, name: `search-under-ingest-${run}` });
        const seconds = (performance.now() - startedAt) / 1000;
        const written = (ingestRate / 2) * seconds;
        embedded.push((written - ((await stack.countPending()) - before)) / seconds);
        const posts = await posted;
        return { ...sample, errors: sample.errors + posts.errors, more: { posts: posts.perSecond } };
      },
    );
    const ratio =
      median(pairs.map(({ product }) => p95(product))) / median(pairs.map(({ yardstick }) => p95(yardstick)));
    return {
      pairs,
      notes: [
        `ingest: ${Math.round(ingestRate)} posts/s at most, half of it offered`,
        `embedding: ${Math.round(median(embedded))}/s beside the searches, niceness ${niceness}`,
      ],
      checks: [atMost('p95 under load / idle', ratio, 2), atMost('errors', productErrors(pairs), 0)],
    };
  },
};

interface Posts {
  readonly rate: number | undefined;
  readonly run: number | string;
}

function offerPosts(bench: Bench, api: BenchProcess, { rate: perSecond, run }: Posts) {
  const { stack, options } = bench;
  const folder = bench.folderOf(`search-under-ingest-posts-${run}`);
  // Longer than the searches: from before the first one until after the last one.
  const time = ['--seconds', `${options.seconds + options.warmupSeconds + 2}`, '--warmup', '1'];
  const pace = perSecond === undefined ? [] : ['--rate', `${Math.round(perSecond)}`];
  const args = ['--mix', 'single', '--clients', `${ingestClients}`, ...time, ...pace];
  return sampleLoad({ stack, url: api.url, pids: { api: api.pid }, args, folder });
}

async function measureIngest(bench: Bench, api: BenchProcess): Promise<number> {
  const { perSecond } = await offerPosts(bench, api, { rate: undefined, run: 'most' });
  return perSecond;
}
