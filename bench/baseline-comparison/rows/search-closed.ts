import { mkdir, writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { z } from 'zod';
import { runScript } from '../child-process.ts';
import { alternate, atLeast, atMost, productErrors, ratioOf, type Bench, type Row } from '../row.ts';
import { cpuMeter, perItem, type Sample } from '../sample.ts';
import { ask, ensureLargeIndexed, largeTenant, sampleSearches, warmUp } from '../search/searched.ts';
import { searchesOf, type SearchBody } from '../search/searches.ts';
import { startStatementRecorder } from '../search/statement-recorder.ts';

const clients = 20;
const differentQueries = 200;

/** How much of what the database can do is left when the product is around it? */
export const searchClosed: Row = {
  name: 'search-closed',
  what: `searches of one large tenant, ${clients} clients (closed loop)`,
  baseline: 'the same statements, recorded, over as many connections of plain pg',
  async measure(bench) {
    const { stack, options } = bench;
    const searches = searchesOf(largeTenant, differentQueries);
    await using api = await stack.start('api', { env: { MEMORY_DATABASE_PREPARED_POOL_SIZE: `${clients}` } });
    await ensureLargeIndexed(bench);
    const { file, statementsEach } = await recordStatements(bench, searches);
    await warmUp(api, stack.apiKey, searches);
    const pairs = await alternate(
      options.runs,
      () => sampleBare(bench, file),
      (run) => {
        const pids = { api: api.pid };
        return sampleSearches(bench, { url: api.url, pids, searches, clients, name: `search-closed-${run}` });
      },
    );
    return {
      pairs,
      notes: [`${statementsEach} statements a search`],
      checks: [atLeast('ratio of searches/s', ratioOf(pairs), 0.6), atMost('errors', productErrors(pairs), 0)],
    };
  },
};

/** What the api sends for each search, from an api whose connections lead through a recorder. */
async function recordStatements(bench: Bench, searches: readonly SearchBody[]) {
  const { stack } = bench;
  await using recorder = await startStatementRecorder(stack.databaseUrl);
  await using api = await stack.start('api', { env: { MEMORY_DATABASE_URL: recorder.url } });
  // Its caches are filled first, as those of the api that is measured are.
  await warmUp(api, stack.apiKey, searches);
  const recorded = [];
  for (const search of searches) recorded.push(await recorder.record(() => ask(api.url, stack.apiKey, search)));
  const folder = bench.folderOf('search-closed-statements');
  await mkdir(folder, { recursive: true });
  const file = `${folder}/statements.json`;
  await writeFile(file, JSON.stringify(recorded));
  const statements = recorded.reduce((sum, each) => sum + each.length, 0);
  return { file, statementsEach: statements / recorded.length };
}

const outcomeSchema = z.object({
  searches: z.number(),
  perSecond: z.number(),
  latencyMs: z.object({
    mean: z.number(),
    p50: z.number(),
    p90: z.number(),
    p95: z.number(),
    p99: z.number(),
    p99_9: z.number(),
    max: z.number(),
  }),
  cpuSeconds: z.number(),
});

async function sampleBare({ stack, options }: Bench, file: string): Promise<Sample> {
  const meter = cpuMeter(stack, {});
  const loadAverage = loadavg()[0] ?? 0;
  const before = meter();
  const { seconds, warmupSeconds } = options;
  const args = [stack.databaseUrl, file, `${clients}`, `${seconds}`, `${warmupSeconds}`];
  const printed = await runScript(new URL('../search/bare-search.ts', import.meta.url), args);
  const outcome = outcomeSchema.parse(JSON.parse(printed));
  // CPU is that of the warm-up too.
  const inAll = outcome.searches * ((seconds + warmupSeconds) / seconds);
  return {
    items: outcome.searches,
    perSecond: outcome.perSecond,
    errors: 0,
    latencyMs: outcome.latencyMs,
    cpuUsPerItem: perItem(before, { ...meter(), script: outcome.cpuSeconds }, inAll),
    loadAverage,
  };
}
