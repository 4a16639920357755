import { InternalSqlError, type SqlRunner } from '../engine/run-sql.ts';
import { checkpointIfDue } from './checkpoint-if-due.ts';
import { vacuumOneTable } from './vacuum-one-table.ts';

const intervalMs = 10_000;
/** About a second of replay after a crash. */
const maxLogBytes = 32 * 1024 * 1024;

/** What lets work in between the transactions of clients. */
export interface MaintainedEngine {
  runInBackground(work: (sql: SqlRunner) => void): Promise<void>;
}

export interface Maintenance {
  stop(): void;
}

/** Does at intervals what PostgreSQL's background processes would. */
export function startMaintenance(engine: MaintainedEngine): Maintenance {
  let isRunning = false;
  const maintain = async (): Promise<void> => {
    if (isRunning) return;
    isRunning = true;
    try {
      await engine.runInBackground((sql) => {
        checkpointIfDue(sql, maxLogBytes);
        vacuumOneTable(sql);
      });
    } catch (error) {
      // A full disk or a table that is damaged, say: the next round tries again, and queries report it to their clients.
      if (!(error instanceof InternalSqlError)) throw error;
    } finally {
      isRunning = false;
    }
  };
  const timer = setInterval(() => void maintain(), intervalMs);
  return { stop: () => clearInterval(timer) };
}
