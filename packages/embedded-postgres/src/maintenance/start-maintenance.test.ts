import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { InternalSqlError, type SqlRunner } from '../engine/run-sql.ts';
import { startMaintenance } from './start-maintenance.ts';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

/** Answers the log's size, and one table in need. */
class FakeEngine {
  readonly statements: string[] = [];
  rounds = 0;
  finish: () => void = () => {};
  readonly #logBytes: string;

  constructor(logBytes: string) {
    this.#logBytes = logBytes;
  }

  readonly #sql: SqlRunner = (sql) => {
    if (sql.includes('pg_wal_lsn_diff')) return [[this.#logBytes]];
    if (sql.includes('pg_stat_all_tables')) return [['public.outbox', 'VACUUM (ANALYZE)']];
    this.statements.push(sql);
    return [];
  };

  async runInBackground(work: (sql: SqlRunner) => void): Promise<void> {
    this.rounds += 1;
    work(this.#sql);
    await new Promise<void>((resolve) => {
      this.finish = resolve;
    });
  }
}

test('does a round at each interval, one at a time, until it is stopped', async () => {
  const engine = new FakeEngine(String(64 * 1024 * 1024));
  const maintenance = startMaintenance(engine);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(engine.statements).toEqual(['CHECKPOINT', 'VACUUM (ANALYZE) public.outbox']);
  engine.finish();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(engine.rounds).toBe(2);
  engine.finish();
  maintenance.stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(engine.rounds).toBe(2);
});

test('leaves a short log alone', async () => {
  const engine = new FakeEngine('1024');
  const maintenance = startMaintenance(engine);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(engine.statements).toEqual(['VACUUM (ANALYZE) public.outbox']);
  maintenance.stop();
});

test('tries again after a round that failed', async () => {
  let rounds = 0;
  const failing = {
    runInBackground: (): Promise<void> => {
      rounds += 1;
      return Promise.reject(new InternalSqlError('relation "gone" does not exist'));
    },
  };
  const maintenance = startMaintenance(failing);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(rounds).toBeGreaterThan(1);
  maintenance.stop();
});
