import type { Schema } from '@memory-layer/shared/db/schema';
import type { Kysely, RawBuilder } from 'kysely';
import { Client } from 'pg';
import { cpuSecondsOf, isPostgres } from './process-use.ts';

/** One connection, and what its server process has used. */
export interface Session extends AsyncDisposable {
  readonly client: Client;
  /** CPU seconds of the server process so far when it runs on this machine, else the time of the clock. */
  readonly used: () => number;
}

/** A connection without parallel workers or compiled expressions: all that a statement costs is in one process. */
export async function openSession(url: string): Promise<Session> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query(`set jit = off; set max_parallel_workers_per_gather = 0; set max_parallel_maintenance_workers = 0;
                      set maintenance_work_mem = '1GB'`);
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  const pid = rows[0]?.pid ?? 0;
  const isHere = isPostgres(pid);
  return {
    client,
    used: () => (isHere ? cpuSecondsOf(pid) : performance.now() / 1000),
    [Symbol.asyncDispose]: () => client.end(),
  };
}

interface Statement {
  readonly text: string;
  readonly values?: readonly unknown[];
}

/** A query of Kysely's, to be run by a session. */
export function compiled(db: Kysely<Schema>, query: RawBuilder<unknown>): { text: string; values: unknown[] } {
  const { sql: text, parameters } = query.compile(db);
  return { text, values: [...parameters] };
}

export interface Ran<Row> {
  /** Rows of each statement. */
  readonly found: readonly (readonly Row[])[];
  readonly times: readonly number[];
  /** Of the server, for each statement. */
  readonly cpuMs: number;
}

/** Runs statements one after the other. */
export async function runAll<Row extends object>(
  { client, used }: Session,
  statements: readonly Statement[],
): Promise<Ran<Row>> {
  const times: number[] = [];
  const found: Row[][] = [];
  const before = used();
  for (const { text, values = [] } of statements) {
    const startedAt = performance.now();
    const { rows } = await client.query<Row>(text, [...values]);
    times.push(performance.now() - startedAt);
    found.push(rows);
  }
  return { found, times, cpuMs: ((used() - before) * 1000) / statements.length };
}
