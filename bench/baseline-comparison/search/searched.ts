import { mkdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import type { BenchProcess } from '../child-process.ts';
import type { Bench } from '../row.ts';
import { sampleLoad, type Pids, type Sample } from '../sample.ts';
import { manyTenants, populate, type Population } from './populate.ts';
import { writeSearches, type SearchBody } from './searches.ts';

/** The one large tenant. */
export const largeTenant = 'large';

const patienceMs = 1_800_000;
const quietMs = 8000;

/** Stores what is not stored: rows of one run share it. An api must have run before, for the embedding generation. */
export async function ensurePopulated({ stack, options }: Bench, population: readonly Population[]): Promise<void> {
  const [first] = population;
  const found = await sql<{ n: string }>`
    select count(*) as n from message where tenant_id = ${first?.tenantId ?? ''}`.execute(stack.db);
  if (found.rows[0]?.n === String(first?.messages)) return;
  const startedAt = performance.now();
  await populate(stack.db, population, { modelCacheDir: stack.modelCacheDir, passages: options.passages });
  const messages = population.reduce((sum, tenant) => sum + tenant.messages, 0);
  console.error(`${messages} messages stored in ${Math.round((performance.now() - startedAt) / 1000)} s`);
}

const largePopulation = ({ options }: Bench): Population[] => [
  { tenantId: largeTenant, messages: options.searchLarge },
];

export const manyPopulation = ({ options }: Bench): Population[] =>
  manyTenants(options.searchTenants, options.searchMessages);

/** The large tenant with the index segments that the embed worker builds for it, as it would in production. */
export async function ensureLargeIndexed(bench: Bench): Promise<void> {
  const { stack } = bench;
  await ensurePopulated(bench, largePopulation(bench));
  const worker = await stack.start('embed-worker', { env: { MEMORY_VECTOR_INDEX_INTERVAL_MS: '500' } });
  try {
    await untilIndexed(bench);
  } finally {
    await worker.stop();
  }
  await sql`vacuum analyze embedding`.execute(stack.db);
}

async function untilIndexed({ stack }: Bench): Promise<void> {
  const startedAt = performance.now();
  let quietSince = startedAt;
  let before = '';
  for (const deadline = Date.now() + patienceMs; Date.now() < deadline; await sleep(500)) {
    const { rows } = await sql<{ state: string; vectors: string }>`
      select state, sum(vectors) as vectors from vector_index where tenant_id = ${largeTenant}
      group by state order by state`.execute(stack.db);
    const seen = JSON.stringify(rows);
    if (seen !== before || rows.some(({ state }) => state !== 'ready')) quietSince = performance.now();
    before = seen;
    // Rounds come twice a second: nothing is left to do after some without a change.
    if (performance.now() - quietSince < quietMs) continue;
    console.error(`index segments: ${seen}, after ${Math.round((performance.now() - startedAt) / 1000)} s`);
    return;
  }
  throw new Error('the index segments were not built');
}

/** Asks each search once, so that the vectors of its queries are known. @throws when one is not answered. */
export async function warmUp(api: BenchProcess, apiKey: string, searches: readonly SearchBody[]): Promise<void> {
  for (const search of searches) await ask(api.url, apiKey, search);
}

export async function ask(url: string, apiKey: string, search: SearchBody): Promise<void> {
  const answer = await fetch(`${url}/v1/memory/search`, {
    method: 'POST',
    headers: { 'x-api-key': apiKey, 'content-type': 'application/json' },
    body: JSON.stringify(search),
  }).catch((error: unknown) => {
    const reason = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    throw new Error(`a search got no answer from ${url}: ${reason}`, { cause: error });
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`a search was answered ${answer.status}: ${text}`);
}

export interface OfferedSearches {
  readonly url: string;
  readonly pids: Pids;
  readonly searches: readonly SearchBody[];
  /** Of the folder for its report. */
  readonly name: string;
  /** Open loop: searches a second. Undefined: a closed loop of `clients`. */
  readonly rate?: number;
  readonly clients?: number;
}

/** Searches over HTTP. */
export async function sampleSearches(bench: Bench, offered: OfferedSearches): Promise<Sample> {
  const { stack, options } = bench;
  const { url, pids, name, rate, clients = 100 } = offered;
  const folder = bench.folderOf(name);
  await mkdir(folder, { recursive: true });
  const file = `${folder}/searches.jsonl`;
  await writeSearches(file, offered.searches);
  const shape = ['--mix', 'search', '--searches', file, '--clients', `${clients}`];
  const time = ['--seconds', `${options.seconds}`, '--warmup', `${options.warmupSeconds}`];
  const args = [...shape, ...time, ...(rate === undefined ? [] : ['--rate', `${rate}`])];
  return sampleLoad({ stack, url, pids, args, folder });
}

export function p95({ latencyMs }: Sample): number {
  return latencyMs?.p95 ?? Number.NaN;
}
