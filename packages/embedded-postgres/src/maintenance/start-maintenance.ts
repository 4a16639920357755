import { InternalSqlError, type SqlRunner } from '../engine/run-sql.ts';
import { maintainOneTable } from './maintain-one-table.ts';

const intervalMs = 2000;
/** After each table, clients have the engine for four times as long as the table took. */
const restShare = 4;
/** About a second of replay after a crash. */
const maxLogBytes = 32 * 1024 * 1024;

/** An engine that runs work between the transactions of clients. */
export interface MaintainedEngine {
  runInBackground(work: (sql: SqlRunner) => void): Promise<void>;
}

export interface Maintenance {
  stop(): void;
}

/** Does the work of PostgreSQL's background processes, at once and then at intervals. */
export function startMaintenance(engine: MaintainedEngine): Maintenance {
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;
  /** @returns after how long to look again */
  const step = async (): Promise<number> => {
    let tookMs = 0;
    let isDone = true;
    try {
      await engine.runInBackground((sql) => {
        const startedAt = performance.now();
        isDone = !checkpointIfDue(sql, maxLogBytes) && maintainOneTable(sql).length === 0;
        tookMs = performance.now() - startedAt;
      });
    } catch (error) {
      // Such as a full disk or a damaged table. The next round tries again, and queries report it to their clients.
      if (!(error instanceof InternalSqlError)) throw error;
    }
    return isDone ? intervalMs : tookMs * restShare;
  };
  const maintain = async (): Promise<void> => {
    const delayMs = await step();
    if (!isStopped) timer = setTimeout(() => void maintain(), delayMs);
  };
  timer = setTimeout(() => void maintain(), 0);
  return {
    stop: () => {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}

/** Log since the last checkpoint, in bytes. */
const logBytes = `SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), redo_lsn)
  FROM pg_catalog.pg_control_checkpoint()`;

/**
 * Writes a checkpoint when the log has grown by `maxBytes` since the last one. PostgreSQL leaves that to a
 * background process, which the engine does not have: its log would grow without end, and a start after a crash would
 * have to replay it all.
 * @returns whether it did
 */
export function checkpointIfDue(sql: SqlRunner, maxBytes: number): boolean {
  const [[bytes] = []] = sql(logBytes);
  if (Number(bytes) < maxBytes) return false;
  sql('CHECKPOINT');
  return true;
}
