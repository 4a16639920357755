import { createLogger } from '@memory-layer/shared/observability/logger';
import { nonEmpty } from '@memory-layer/shared/testing/non-empty';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { AwaitedMessages, AwaitedStatus, EmbeddingStatuses } from './embedding-status.repository.ts';
import { EmbeddingWaiter } from './embedding-waiter.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const logger = createLogger({ service: 'test', level: 'silent' });
const generation = 1;

/** What a database would say: what is not in `truth` is gone. */
function setUp(truth: Record<string, AwaitedStatus>) {
  const looks: AwaitedMessages[][] = [];
  let failing = false;
  const isPending = (status: AwaitedStatus | undefined) => status === 'pending' || status === 'failed';
  const statuses: EmbeddingStatuses = {
    async readPending(awaited) {
      if (failing) throw new Error('the database is away');
      looks.push([...awaited]);
      return awaited.map(
        ({ messageIds }) =>
          new Map(messageIds.flatMap((id) => (isPending(truth[id]) ? [[id, truth[id]] as const] : []))),
      );
    },
    readSettled: async ({ messageIds }) => new Map(messageIds.map((id) => [id, truth[id] ?? 'gone'])),
  };
  const waiter = new EmbeddingWaiter({ statuses, logger });
  const wait = (tenantId: string, ids: string[], timeoutMs = 1000, signal = new AbortController().signal) => {
    const answer: { statuses?: Record<string, string> } = {};
    void waiter
      .waitUntilEmbedded(tenantId, ids, generation, { timeoutMs, signal })
      .then((found) => (answer.statuses = Object.fromEntries(found)));
    return answer;
  };
  return { wait, waiter, looks, fail: (yes: boolean) => (failing = yes) };
}

describe('waiting for embeddings', () => {
  test('ends once no message is pending any more, whatever became of each', async () => {
    const truth: Record<string, AwaitedStatus> = { a: 'pending', b: 'pending', c: 'pending' };
    const { wait } = setUp(truth);
    const answer = wait('acme', ['a', 'b', 'c']);
    truth['a'] = 'completed';
    await vi.advanceTimersByTimeAsync(200);
    expect(answer.statuses).toBeUndefined();
    truth['b'] = 'failed';
    delete truth['c'];
    await vi.advanceTimersByTimeAsync(100);
    expect(answer.statuses).toEqual({ a: 'completed', b: 'failed' });
    expect(vi.getTimerCount()).toBe(0);
  });

  test('ends with the honest status when the time is up', async () => {
    const { wait } = setUp({ a: 'completed', b: 'pending' });
    const answer = wait('acme', ['a', 'b'], 500);
    await vi.advanceTimersByTimeAsync(499);
    expect(answer.statuses).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    expect(answer.statuses).toEqual({ a: 'completed', b: 'pending' });
    await vi.advanceTimersByTimeAsync(1000);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('looks soon, then less often, and at no more than is still pending', async () => {
    const { wait, looks } = setUp({ a: 'completed', b: 'pending' });
    wait('acme', ['a', 'b'], 1000);
    await vi.advanceTimersByTimeAsync(10);
    expect(looks.length).toBe(1);
    await vi.advanceTimersByTimeAsync(990);
    expect(looks.length).toBeGreaterThan(8);
    expect(looks.length).toBeLessThan(16);
    expect(nonEmpty(looks.slice(1)).every(([first]) => first?.messageIds.join() === 'b')).toBe(true);
  });

  test('is one query for all that wait, those of one tenant together', async () => {
    const { wait, looks } = setUp({ a: 'pending', b: 'pending', x: 'pending' });
    wait('acme', ['a']);
    wait('acme', ['a', 'b']);
    wait('globex', ['x']);
    await vi.advanceTimersByTimeAsync(10);
    expect(looks).toEqual([
      [
        { tenantId: 'acme', generation, messageIds: ['a', 'b'] },
        { tenantId: 'globex', generation, messageIds: ['x'] },
      ],
    ]);
  });

  test('does not let a newcomer wait for the pause of another', async () => {
    const truth: Record<string, AwaitedStatus> = { a: 'pending', b: 'completed' };
    const { wait } = setUp(truth);
    wait('acme', ['a'], 10_000);
    await vi.advanceTimersByTimeAsync(2000);
    const answer = wait('acme', ['b']);
    await vi.advanceTimersByTimeAsync(10);
    expect(answer.statuses).toEqual({ b: 'completed' });
  });

  test('goes on over a database that is away, and never fails', async () => {
    const { wait, fail } = setUp({ a: 'completed' });
    fail(true);
    const [patient, hasty] = [wait('acme', ['a'], 1000), wait('acme', ['a'], 50)];
    await vi.advanceTimersByTimeAsync(100);
    expect(hasty.statuses).toEqual({ a: 'pending' });
    fail(false);
    await vi.advanceTimersByTimeAsync(100);
    expect(patient.statuses).toEqual({ a: 'completed' });
  });

  test('ends with its signal, and for all when the process goes down', async () => {
    const { wait, waiter } = setUp({ a: 'pending' });
    const leaving = new AbortController();
    const [gone, staying] = [wait('acme', ['a'], 1000, leaving.signal), wait('acme', ['a'])];
    leaving.abort();
    await vi.advanceTimersByTimeAsync(0);
    expect(gone.statuses).toEqual({ a: 'pending' });
    expect(staying.statuses).toBeUndefined();
    waiter.close();
    await vi.advanceTimersByTimeAsync(0);
    expect(staying.statuses).toEqual({ a: 'pending' });
    const late = wait('acme', ['a']);
    await vi.advanceTimersByTimeAsync(0);
    expect(late.statuses).toEqual({ a: 'pending' });
    expect(vi.getTimerCount()).toBe(0);
  });

  test('asks for a bounded number of ids at a time however many wait, and of each tenant', async () => {
    const many = Array.from({ length: 40 }, (_, n) => Array.from({ length: 200 }, (__, m) => `${n}-${m}`));
    const truth: Record<string, AwaitedStatus> = Object.fromEntries(many.flat().map((id) => [id, 'pending']));
    truth['own'] = 'completed';
    const { wait, looks } = setUp(truth);
    const flood = many.map((ids) => wait('flood', ids, 60_000));
    const own = wait('other', ['own'], 60_000);
    await vi.advanceTimersByTimeAsync(15);
    expect(own.statuses).toEqual({ own: 'completed' });
    await vi.advanceTimersByTimeAsync(3000);
    const sizes = looks.map((look) => look.reduce((sum, { messageIds }) => sum + messageIds.length, 0));
    expect(Math.max(...sizes)).toBeLessThanOrEqual(2200);
    expect(new Set(looks.flat().flatMap(({ messageIds }) => messageIds)).size).toBe(8001);
    for (const id of many.flat()) truth[id] = 'completed';
    await vi.advanceTimersByTimeAsync(3000);
    expect(flood.map(({ statuses }) => Object.keys(statuses ?? {}).length)).toEqual(many.map((ids) => ids.length));
    expect(vi.getTimerCount()).toBe(0);
  });

  test('of more messages than one look asks for learns what became of each', async () => {
    const ids = Array.from({ length: 2500 }, (_, n) => String(n));
    const truth: Record<string, AwaitedStatus> = Object.fromEntries(ids.map((id) => [id, 'pending']));
    const { wait } = setUp(truth);
    const answer = wait('acme', ids, 2000);
    // The first ones are not embedded at all: the others must be looked for all the same.
    for (const id of ids.slice(1200)) truth[id] = 'completed';
    await vi.advanceTimersByTimeAsync(2000);
    const known = Object.entries(answer.statuses ?? {}).filter(([, status]) => status === 'completed');
    expect(known).toHaveLength(1300);
  });
});
