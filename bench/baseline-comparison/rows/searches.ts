import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchProcess } from '../../harness/child-process.ts';
import {
  alternate,
  atLeast,
  atMost,
  baselineMedian,
  noErrors,
  p95,
  productMedian,
  ratioOf,
} from '../../harness/rounds.ts';
import type { RowResult } from '../../harness/rounds.ts';
import { sampleScript } from '../../harness/sample.ts';
import { median } from '../../harness/statistics.ts';
import { load, type Bench, type ComparisonRow } from '../bench.ts';
import { ensureLarge, ensureMany, ensureSmall, largeTenant, smallTenant } from '../search/searched-tenants.ts';
import { askAll, sampleSearches, searchesOf, searchesOfMany, type SearchBody } from '../search/searches.ts';

const differentQueries = 200;
const searchesOfManyTenants = 5000;

/** How long does a search take at a given rate, when the vectors of its queries are known? */
async function besideBareServer(
  bench: Bench,
  api: BenchProcess,
  name: string,
  searches: readonly SearchBody[],
  mostMs: number,
): Promise<RowResult> {
  const rate = 100;
  await using bare = await bench.stack.startBareServer();
  await askAll(bench, api, searches.slice(0, differentQueries));
  const pairs = await alternate(
    bench.options.runs,
    (run) => sampleSearches(bench, [bare], { name: `${name}-bare-${run}`, searches, rate }),
    (run) => sampleSearches(bench, [api], { name: `${name}-${run}`, searches, rate }),
  );
  return {
    pairs,
    notes: [`p95 of the bare server: ${baselineMedian(pairs, p95)} ms`],
    checks: [atMost('p95 ms', productMedian(pairs, p95), mostMs), noErrors(pairs)],
  };
}

const bareBaseline = 'bare Hono + zod at the same rate: what the generator itself adds';

export const searchLarge: ComparisonRow = {
  name: 'search-large',
  what: 'searches of one large tenant, vectors of queries known, 100 a second offered (open loop)',
  baseline: bareBaseline,
  async measure(bench) {
    await using api = await bench.stack.start('api');
    await ensureLarge(bench);
    return await besideBareServer(bench, api, 'search-large', searchesOf(largeTenant, differentQueries), 40);
  },
};

export const searchMany: ComparisonRow = {
  name: 'search-many',
  what: 'searches of many tenants, vectors of queries known, 100 a second offered (open loop)',
  baseline: bareBaseline,
  async measure(bench) {
    await using api = await bench.stack.start('api');
    const searches = searchesOfMany(await ensureMany(bench), searchesOfManyTenants, differentQueries);
    return await besideBareServer(bench, api, 'search-many', searches, 60);
  },
};

/** What does a query cost that was never asked before? Its vector is computed in the api's own thread for queries. */
export const searchEmbedding: ComparisonRow = {
  name: 'search-embedding',
  what: 'searches of one large tenant, every query a new one, 50 a second offered (open loop)',
  baseline: 'the same with queries that are known',
  async measure(bench) {
    const { runs, seconds, warmup } = bench.options;
    const rate = 50;
    await using api = await bench.stack.start('api');
    await ensureLarge(bench);
    const known = searchesOf(largeTenant, differentQueries);
    await askAll(bench, api, known);
    const each = Math.ceil(rate * (seconds + warmup)) + 1;
    const pairs = await alternate(
      runs,
      (run) => sampleSearches(bench, [api], { name: `search-known-${run}`, searches: known, rate }),
      (run) => {
        const searches = searchesOf(largeTenant, each, 1_000_000 + run * each);
        return sampleSearches(bench, [api], { name: `search-embedding-${run}`, searches, rate });
      },
    );
    return {
      pairs,
      notes: [`p95 of known queries: ${baselineMedian(pairs, p95)} ms`],
      checks: [atMost('p95 ms', productMedian(pairs, p95), 120), noErrors(pairs)],
    };
  },
};

const closedClients = 20;

/** How much of what the database can do is left when the product is around it? */
export const searchClosed: ComparisonRow = {
  name: 'search-closed',
  what: `searches of one large tenant, ${closedClients} clients (closed loop)`,
  baseline: 'the same statements, recorded, over as many connections of plain pg',
  async measure(bench) {
    const { stack, options } = bench;
    const searches = searchesOf(largeTenant, differentQueries);
    await using api = await stack.start('api', { env: { MEMORY_DATABASE_PREPARED_POOL_SIZE: `${closedClients}` } });
    await ensureLarge(bench);
    const { file, statementsEach } = await recordStatements(bench, searches);
    await askAll(bench, api, searches);
    const script = new URL('../search/bare-search.ts', import.meta.url);
    const pairs = await alternate(
      options.runs,
      () => sampleScript(stack, script, [file, closedClients, options.seconds, options.warmup]),
      (run) => sampleSearches(bench, [api], { name: `search-closed-${run}`, searches, clients: closedClients }),
    );
    return {
      pairs,
      notes: [`${statementsEach} statements a search`],
      checks: [atLeast('ratio of searches/s', ratioOf(pairs), 0.6), noErrors(pairs)],
    };
  },
};

/** What does it bring that a tenant is searched in memory? */
export const searchSmall: ComparisonRow = {
  name: 'search-small',
  what: `searches of one small tenant, ${closedClients} clients (closed loop)`,
  baseline: 'the same without MEMORY_SEARCH_INDEX_BYTES: the database is searched',
  async measure(bench) {
    const { stack, options } = bench;
    const searches = searchesOf(smallTenant, differentQueries);
    await using api = await stack.start('api');
    await ensureSmall(bench);
    await using other = await stack.start('api', { env: { MEMORY_SEARCH_INDEX_BYTES: '0' } });
    for (const searched of [api, other]) await askAll(bench, searched, searches);
    const pairs = await alternate(
      options.runs,
      (run) => sampleSearches(bench, [other], { name: `search-database-${run}`, searches, clients: closedClients }),
      (run) => sampleSearches(bench, [api], { name: `search-small-${run}`, searches, clients: closedClients }),
    );
    return {
      pairs,
      checks: [
        atLeast(
          'searches/s',
          productMedian(pairs, (sample) => sample.perSecond),
          400,
        ),
        noErrors(pairs),
      ],
    };
  },
};

/** What an api sends for each search once its caches are filled, as those of the api that is measured are. */
async function recordStatements(bench: Bench, searches: readonly SearchBody[]) {
  const sent = join(bench.folder, 'sent.jsonl');
  const file = join(bench.folder, 'statements.json');
  const hook = new URL('../search/record-statements.ts', import.meta.url);
  const env = { NODE_OPTIONS: `--import=${hook.href}`, BENCH_STATEMENTS_FILE: sent };
  await using api = await bench.stack.start('api', { env });
  await askAll(bench, api, searches);
  const recorded: unknown[][] = [];
  for (const search of searches) {
    await writeFile(sent, '');
    await askAll(bench, api, [search]);
    const lines = (await readFile(sent, 'utf8')).split('\n').filter((line) => line !== '');
    recorded.push(lines.map((line): unknown => JSON.parse(line)));
  }
  await writeFile(file, JSON.stringify(recorded));
  return { file, statementsEach: recorded.flat().length / recorded.length };
}

/** What do writing and embedding take from searches on the same machine, when each has half of what it could do alone? */
export const searchUnderIngest = searchUnder(
  'search-under-ingest',
  'half of the single posts that the api takes come',
  async (bench, api) => {
    const { perSecond } = await offerPosts(bench, api, 'search-under-ingest-most');
    return perSecond / 2;
  },
);

// About half of what an embed worker alone on two cores does with the bundled model.
const steadyRate = 500;

/** And when as much comes as half of what can be embedded? */
export const searchUnderSteadyIngest = searchUnder(
  'search-under-steady-ingest',
  `${steadyRate} single posts a second come`,
  async () => steadyRate,
);

/** @param chooseRate posts a second to offer */
function searchUnder(
  name: string,
  posts: string,
  chooseRate: (bench: Bench, api: BenchProcess) => Promise<number>,
): ComparisonRow {
  const rate = 50;
  // As where a worker shares a machine with an api.
  const niced = { nice: 19, env: { MEMORY_EMBEDDING_THREADS: '1' } };
  return {
    name,
    what: `searches of many tenants, ${rate} a second, while ${posts} and a niced embed worker has half of its threads`,
    baseline: 'the same searches, nothing else',
    async measure(bench) {
      const { stack, options } = bench;
      await using api = await stack.start('api');
      const searches = searchesOfMany(await ensureMany(bench), searchesOfManyTenants, differentQueries);
      await askAll(bench, api, searches.slice(0, differentQueries));
      const postRate = await chooseRate(bench, api);
      const embedded: number[] = [];
      const pairs = await alternate(
        options.runs,
        (run) => sampleSearches(bench, [api], { name: `${name}-idle-${run}`, searches, rate }),
        async (run) => {
          await using worker = await stack.start('embed-worker', niced);
          const posted = offerPosts(bench, api, `${name}-posts-${run}`, postRate);
          await sleep(1000);
          const before = await stack.countPending();
          const startedAt = performance.now();
          const sample = await sampleSearches(bench, [api, worker], { name: `${name}-${run}`, searches, rate });
          const grown = (await stack.countPending()) - before;
          const grownPerSecond = (grown * 1000) / (performance.now() - startedAt);
          const { errors, perSecond } = await posted;
          embedded.push(perSecond - grownPerSecond);
          return { ...sample, errors: sample.errors + errors, more: { posts: perSecond } };
        },
      );
      return {
        pairs,
        notes: [
          `${Math.round(postRate)} posts/s offered, ${Math.round(median(embedded))}/s embedded beside the searches`,
        ],
        checks: [atMost('p95 under load / idle', ratioOf(pairs, p95), 2), noErrors(pairs)],
      };
    },
  };
}

/** Single posts, from before the first search until after the last one. @param rate as many as the api takes without it */
function offerPosts(bench: Bench, api: BenchProcess, name: string, rate?: number) {
  const seconds = bench.options.seconds + bench.options.warmup + 2;
  const pace = rate === undefined ? {} : { rate: Math.round(rate) };
  return load(bench, [api], name, { mix: 'single', clients: 100, seconds, warmup: 1, ...pace });
}
