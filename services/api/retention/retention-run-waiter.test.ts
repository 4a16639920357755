import { createLogger } from '@memory-layer/shared/observability/logger';
import { nonEmpty } from '@memory-layer/shared/testing/non-empty';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { RetentionRunWaiter } from './retention-run-waiter.ts';
import type { RetentionRun } from './retention-run.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function setUp() {
  const truth = new Map<string, RetentionRun>();
  const polls: string[][] = [];
  const database = { isAway: false };
  const runs = {
    async listByIds(ids: readonly { readonly runId: string }[]) {
      polls.push(ids.map(({ runId }) => runId));
      if (database.isAway) throw new Error('the database is away');
      return ids.flatMap(({ runId }) => truth.get(runId) ?? []);
    },
  };
  const waiter = new RetentionRunWaiter({ runs, logger: createLogger({ service: 'test', level: 'silent' }) });
  const end = (runId: string, state: 'completed' | 'failed' = 'completed') => {
    const run = truth.get(runId);
    if (run !== undefined) truth.set(runId, { ...run, state, archived: 3 });
  };
  /** The name of a run begins with its tenant: `a1`. */
  const wait = (runId: string, timeoutMs = 10_000, signal = new AbortController().signal) => {
    const run: RetentionRun = {
      runId,
      tenantId: runId.slice(0, 1),
      state: 'queued',
      dryRun: false,
      archived: 0,
      deleted: 0,
    };
    truth.set(runId, run);
    const answer: { run?: RetentionRun } = {};
    void waiter.waitUntilEnded(run, { timeoutMs, signal }).then((found) => (answer.run = found));
    return answer;
  };
  return { waiter, wait, end, polls, database };
}

describe('waiting for retention runs', () => {
  test('ends once the run has ended, however', async () => {
    const { wait, end } = setUp();
    const [one, two] = [wait('a1'), wait('b1')];
    await vi.advanceTimersByTimeAsync(100);
    expect([one.run, two.run]).toEqual([undefined, undefined]);
    end('a1');
    end('b1', 'failed');
    await vi.advanceTimersByTimeAsync(200);
    expect([one.run, two.run]).toMatchObject([{ state: 'completed', archived: 3 }, { state: 'failed' }]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('is one statement for all that wait, and fewer of them as time goes by', async () => {
    const { wait, polls } = setUp();
    const answers = Array.from({ length: 26 }, (_, n) => String.fromCodePoint(97 + n)).flatMap((tenant) =>
      Array.from({ length: 8 }, (_, n) => wait(`${tenant}${n}`)),
    );
    await vi.advanceTimersByTimeAsync(9999);
    expect(polls.length).toBeLessThan(30);
    expect(nonEmpty(polls).every((ids) => ids.length === 208)).toBe(true);
    await vi.advanceTimersByTimeAsync(1);
    expect(nonEmpty(answers).every(({ run }) => run?.state === 'queued')).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('of one tenant is for some requests at a time: the others are answered at once, without a statement', async () => {
    const { wait, end, polls } = setUp();
    const answers = Array.from({ length: 300 }, (_, n) => wait(`a${n}`));
    const other = wait('b0');
    await vi.advanceTimersByTimeAsync(0);
    expect(answers.filter(({ run }) => run === undefined)).toHaveLength(8);
    expect(answers.at(-1)?.run).toMatchObject({ runId: 'a299', state: 'queued' });
    expect([polls.length, other.run]).toEqual([0, undefined]);
    await vi.advanceTimersByTimeAsync(50);
    expect(Math.max(...polls.map((ids) => ids.length))).toBe(9);
    for (let n = 0; n < 8; n += 1) end(`a${n}`);
    await vi.advanceTimersByTimeAsync(1000);
    expect(answers.every(({ run }) => run !== undefined)).toBe(true);
    const next = wait('a300');
    await vi.advanceTimersByTimeAsync(0);
    expect(next.run).toBeUndefined();
  });

  test('of all tenants is for a bounded number of requests', async () => {
    const { wait, polls } = setUp();
    for (let n = 0; n < 8000; n += 1) wait(String.fromCodePoint(0x4e00 + n));
    await vi.advanceTimersByTimeAsync(100);
    expect(Math.max(...polls.map((ids) => ids.length))).toBe(1000);
  });

  test('goes on over a database that is away, and never fails', async () => {
    const { wait, end, database } = setUp();
    database.isAway = true;
    const [patient, hasty] = [wait('a1', 5000), wait('a2', 50)];
    await vi.advanceTimersByTimeAsync(100);
    expect(hasty.run).toMatchObject({ state: 'queued' });
    database.isAway = false;
    end('a1');
    await vi.advanceTimersByTimeAsync(300);
    expect(patient.run).toMatchObject({ state: 'completed' });
  });

  test('ends with its signal, and for all when the process goes down', async () => {
    const { wait, waiter } = setUp();
    const leaving = new AbortController();
    const [gone, staying] = [wait('a1', 1000, leaving.signal), wait('a2')];
    leaving.abort();
    await vi.advanceTimersByTimeAsync(0);
    expect(gone.run).toMatchObject({ state: 'queued' });
    expect(staying.run).toBeUndefined();
    waiter.close();
    const late = wait('a3');
    await vi.advanceTimersByTimeAsync(0);
    expect([staying.run, late.run]).toMatchObject([{ state: 'queued' }, { state: 'queued' }]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
