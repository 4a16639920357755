import type { SqlRunner } from '../engine/run-sql.ts';

/** Log since the last checkpoint, in bytes. */
const logBytes = `SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), redo_lsn)
  FROM pg_catalog.pg_control_checkpoint()`;

/**
 * Writes a checkpoint when the log has grown by `maxLogBytes` since the last one. PostgreSQL leaves that to a
 * background process, which the engine does not have: its log would grow without end, and a start after a crash would
 * have to replay it all.
 * @returns whether it did
 */
export function checkpointIfDue(sql: SqlRunner, maxLogBytes: number): boolean {
  const [[bytes] = []] = sql(logBytes);
  if (Number(bytes) < maxLogBytes) return false;
  sql('CHECKPOINT');
  return true;
}
