import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { InternalSqlError, type SqlRunner } from '../engine/run-sql.ts';
import { startMaintenance } from './start-maintenance.ts';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

/** Answers the log's size, and a number of tables in need. */
class FakeEngine {
  readonly statements: string[] = [];
  rounds = 0;
  finish: () => void = () => {};
  #logBytes: number;
  #tablesInNeed: number;

  constructor(logBytes: number, tablesInNeed: number) {
    this.#logBytes = logBytes;
    this.#tablesInNeed = tablesInNeed;
  }

  readonly #sql: SqlRunner = (sql) => {
    if (sql.includes('pg_wal_lsn_diff')) return [[String(this.#logBytes)]];
    if (sql.includes('autovacuum_vacuum_threshold')) {
      this.#tablesInNeed -= 1;
      return this.#tablesInNeed < 0 ? [] : [['1', 'public.outbox', 'VACUUM', 'f']];
    }
    if (sql === 'CHECKPOINT') this.#logBytes = 0;
    if (!sql.startsWith('SELECT')) this.statements.push(sql);
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

test('does one thing at a time until nothing is left to do, then looks at intervals, until it is stopped', async () => {
  const engine = new FakeEngine(64 * 1024 * 1024, 2);
  const maintenance = startMaintenance(engine);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(engine.statements).toEqual(['CHECKPOINT']);
  for (const statements of [
    ['CHECKPOINT', 'VACUUM public.outbox'],
    ['CHECKPOINT', 'VACUUM public.outbox', 'VACUUM public.outbox'],
  ]) {
    engine.finish();
    await vi.advanceTimersByTimeAsync(500);
    expect(engine.statements).toEqual(statements);
  }
  engine.finish();
  await vi.advanceTimersByTimeAsync(500);
  expect(engine.rounds).toBe(4);
  engine.finish();
  await vi.advanceTimersByTimeAsync(500);
  expect(engine.rounds, 'nothing was left').toBe(4);
  await vi.advanceTimersByTimeAsync(2000);
  expect(engine.rounds).toBe(5);
  maintenance.stop();
  engine.finish();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(engine.rounds).toBe(5);
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
