/**
 * What the dearest legal searches cost, kind by kind, beside a plain one: one tenant with messages of many kinds, vectors
 * and index segments, searched one after the other. Takes a server, where it makes a database of its own and drops it.
 *
 *   pnpm bench:worst-query [--messages 100000] [--runs 20] [--only TEXT] [--database URL]
 *
 * `--database` takes one that an earlier run filled and kept (`--keep`).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { Database } from '@memory-layer/shared/db/database';
import { AppError } from '@memory-layer/shared/errors/app-error';
import { sql } from 'kysely';
import { Client } from 'pg';
import { ZodError } from 'zod';
import { median, quantile, rounded } from '../embedding/median.ts';
import { createScratchDatabase } from '../embedding/scratch-database.ts';
import { storeLargeTenant, tenantId } from './large-tenant.ts';
import { createSearcher, type Searcher } from './searcher.ts';
import { plain, shapesOf, type Shape, type Vocabulary } from './shapes.ts';

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: process.env['TEST_DATABASE_URL'] ?? '' },
    messages: { type: 'string', default: '100000' },
    runs: { type: 'string', default: '20' },
    only: { type: 'string', default: '' },
    database: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
});
const runs = Number(values.runs);
const applicationName = 'memory-layer worst query';

/** Walks to the page that is measured. @returns its cursor. */
async function cursorOf(searcher: Searcher, shape: Shape, n: number): Promise<string | undefined> {
  let cursor: string | undefined;
  for (let page = 0; page < (shape.pagesBefore ?? 0); page += 1) {
    const answer = await searcher.search({ ...shape.body(n), ...(cursor !== undefined && { cursor }) });
    cursor = answer.next_cursor ?? undefined;
  }
  return cursor;
}

interface Measured {
  readonly ms: readonly number[];
  /** CPU of the server's processes, and of this one, for each search. */
  readonly serverCpuMs: number;
  readonly ownCpuMs: number;
  readonly blockMs: number;
  readonly hits: number;
}

async function measure(searcher: Searcher, shape: Shape, pids: readonly number[]): Promise<Measured> {
  const cursors: (string | undefined)[] = [];
  for (let n = 0; n < runs; n++) cursors.push(await cursorOf(searcher, shape, n));
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  const ms: number[] = [];
  let hits = 0;
  const server = cpuMsOf(pids);
  const own = process.cpuUsage();
  for (let n = 0; n < runs; n++) {
    const cursor = cursors[n];
    const body = { ...shape.body(n), ...(cursor !== undefined && { cursor }) };
    const begun = performance.now();
    hits += (await searcher.search(body)).total;
    ms.push(performance.now() - begun);
  }
  const used = process.cpuUsage(own);
  delay.disable();
  return {
    ms,
    serverCpuMs: (cpuMsOf(pids) - server) / runs,
    ownCpuMs: (used.user + used.system) / 1000 / runs,
    blockMs: delay.max / 1e6,
    hits: hits / runs,
  };
}

// USER_HZ is 100 on every Linux that Node runs on: fields 14 and 15 of proc(5)'s stat.
function cpuMsOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return sum + (Number(fields[11]) + Number(fields[12])) * 10;
  }, 0);
}

/** The processes of the server for this bench's connections; none when the server is elsewhere. */
async function backendsOf(database: Database): Promise<number[]> {
  const { rows } = await sql<{ pid: number }>`
    select pid from pg_stat_activity where application_name = ${applicationName}`.execute(database.queries);
  const here = new Set(readdirSync('/proc'));
  return rows.map(({ pid }) => pid).filter((pid) => here.has(String(pid)));
}

async function readVocabulary(client: Client): Promise<Vocabulary> {
  const { rows } = await client.query<{ word: string }>(
    `select word from ts_stat($$select search_vector from message where tenant_id = '${tenantId}' and id::text like '%0'$$)
     where length(word) > 1 and word ~ '^[a-z]+$' order by ndoc desc, word limit 3000`,
  );
  const words = rows.map(({ word }) => word);
  return { common: words.slice(0, 60), rare: words.slice(1000) };
}

function refusal(error: unknown): string {
  if (error instanceof ZodError) return error.issues[0]?.message ?? 'refused';
  if (error instanceof AppError) return `${error.code}: ${error.message}`;
  throw error;
}

const scratch = values.database === undefined ? await createScratchDatabase(values.url) : undefined;
const url = values.database ?? scratch?.url ?? '';
const client = new Client({ connectionString: url });
await client.connect();
const database = new Database({
  connection: { connectionString: url },
  poolSize: 3,
  preparedPoolSize: 3,
  acquireTimeoutMs: 20_000,
  idleTimeoutMs: 600_000,
  applicationName,
  onConnectionError: (error) => console.error(error.message),
});
try {
  if (scratch !== undefined) {
    const begun = performance.now();
    await storeLargeTenant(client, Number(values.messages));
    console.error(`${values.messages} messages stored in ${Math.round((performance.now() - begun) / 1000)} s`);
  }
  const shapes = shapesOf(await readVocabulary(client)).filter(({ name }) => name.includes(values.only));
  const searcher = createSearcher(database);
  // Connections are made, plans kept and the tenant's statistics known before anything is measured.
  await Promise.all(Array.from({ length: 30 }, (_, n) => searcher.search(plain.body(1000 + n))));
  const pids = await backendsOf(database);
  const yardstick = await measure(searcher, plain, pids);
  const table: Record<string, string | number>[] = [];
  const note = (name: string, one: Measured) =>
    table.push({
      shape: name,
      'p50 ms': rounded(median(one.ms)),
      'p99 ms': rounded(quantile(one.ms, 0.99)),
      'times plain': rounded(median(one.ms) / median(yardstick.ms)),
      'server CPU ms': rounded(one.serverCpuMs),
      'own CPU ms': rounded(one.ownCpuMs),
      'longest block ms': rounded(one.blockMs),
      hits: one.hits,
    });
  note(plain.name, yardstick);
  for (const shape of shapes) {
    try {
      note(shape.name, await measure(searcher, shape, pids));
    } catch (error) {
      table.push({ shape: shape.name, 'p50 ms': refusal(error) });
    }
    console.error(Object.values(table.at(-1) ?? {}).join('  '));
  }
  note('plain, again', await measure(searcher, plain, pids));
  console.log(
    `${values.messages} messages, ${runs} searches of a kind; load ${loadavg()
      .map((load) => load.toFixed(1))
      .join(' ')}`,
  );
  console.table(table);
} finally {
  await database.stop();
  await client.end();
  if (values.keep) console.error(`kept: --database ${url}`);
  else await scratch?.drop();
}
