import { setTimeout as sleep } from 'node:timers/promises';
import { sql, type Kysely } from 'kysely';
import type { Schema } from '../db/schema.ts';

/**
 * Waits until no transaction runs that began before this call, in any database of the server: other test files use
 * the same one. What is committed can then be read from the event log.
 */
export async function untilSettled(db: Kysely<Schema>): Promise<void> {
  const { rows } = await sql<{ id: string }>`select pg_current_xact_id()::text as id`.execute(db);
  const id = BigInt(rows[0]?.id ?? 0);
  while ((await oldestRunning(db)) <= id) await sleep(5);
}

async function oldestRunning(db: Kysely<Schema>): Promise<bigint> {
  const { rows } = await sql<{ id: string }>`select pg_snapshot_xmin(pg_current_snapshot())::text as id`.execute(db);
  return BigInt(rows[0]?.id ?? 0);
}
