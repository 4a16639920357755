import { createLogger } from '@memory-layer/shared/observability/logger';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { TenantWork } from './lease.ts';
import { createPendingSweeper } from './pending-sweeper.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const everyMs = 5000;
/** Longer than a sweep's pause, whatever its jitter. */
const pauseMs = everyMs * 1.1 + 1;

function createSweeper(
  listOverdue: (graceMs: number, limit: number) => Promise<TenantWork[]>,
  waitingJobs: () => Promise<number> = () => Promise.resolve(0),
) {
  const notified: string[] = [];
  const graces: number[] = [];
  const lines: string[] = [];
  const sweeper = createPendingSweeper({
    repository: {
      listOverdue: (graceMs, limit) => {
        graces.push(graceMs);
        return listOverdue(graceMs, limit);
      },
    },
    notifier: { notify: (tenantId, generation) => void notified.push(`${tenantId}.${generation}`) },
    waitingJobs,
    everyMs,
    logger: createLogger({ service: 'test', level: 'info', stream: { write: (line) => void lines.push(line) } }),
  });
  return { sweeper, notified, graces, lines };
}

test('notifies for everything that is overdue: at once when it starts, then again and again', async () => {
  const overdue = [
    { tenantId: 'a', generation: 1 },
    { tenantId: 'b', generation: 2 },
  ];
  const { sweeper, notified, graces } = createSweeper(() => Promise.resolve(overdue));
  await sweeper.start();
  expect(notified).toEqual(['a.1', 'b.2']);
  await vi.advanceTimersByTimeAsync(pauseMs);
  await vi.advanceTimersByTimeAsync(pauseMs);
  expect(notified).toEqual(['a.1', 'b.2', 'a.1', 'b.2', 'a.1', 'b.2']);
  expect(graces, 'only what waits when it starts is due at once').toEqual([0, 1000, 1000]);
  await sweeper.stop();
});

test('survives a database that fails, says so, and notifies again when it is back', async () => {
  let isAway = true;
  const { sweeper, notified, lines } = createSweeper(() =>
    isAway ? Promise.reject(new Error('connection refused')) : Promise.resolve([{ tenantId: 'a', generation: 1 }]),
  );
  await sweeper.start();
  await vi.advanceTimersByTimeAsync(pauseMs);
  expect(lines).toHaveLength(2);
  expect(lines[0]).toContain('connection refused');
  isAway = false;
  await vi.advanceTimersByTimeAsync(pauseMs);
  expect(notified).toEqual(['a.1']);
  await sweeper.stop();
});

test('sweeps no more once it is stopped, and waits for the sweep that is under way', async () => {
  const answer = Promise.withResolvers<TenantWork[]>();
  let isSlow = false;
  const { sweeper, graces } = createSweeper(() => (isSlow ? answer.promise : Promise.resolve([])));
  await sweeper.start();
  isSlow = true;
  await vi.advanceTimersByTimeAsync(pauseMs);
  let stopped = false;
  const stopping = sweeper.stop().then(() => (stopped = true));
  await vi.advanceTimersByTimeAsync(1);
  expect(stopped).toBe(false);
  answer.resolve([]);
  await stopping;
  await vi.advanceTimersByTimeAsync(3 * pauseMs);
  expect(graces).toHaveLength(2);
  await sweeper.stop();
});

test('has patience while jobs wait in the queue, and none when the queue is away', async () => {
  const counts = [() => Promise.resolve(7), () => Promise.reject(new Error('away')), () => Promise.resolve(0)];
  const { sweeper, graces } = createSweeper(
    () => Promise.resolve([]),
    () => counts.shift()?.() ?? Promise.resolve(0),
  );
  await sweeper.start();
  for (let sweep = 0; sweep < 3; sweep++) await vi.advanceTimersByTimeAsync(pauseMs);
  expect(graces).toEqual([0, 10_000, 1000, 1000]);
  await sweeper.stop();
});

test('may be stopped before it was started', async () => {
  const { sweeper, graces } = createSweeper(() => Promise.resolve([]));
  await sweeper.stop();
  await vi.advanceTimersByTimeAsync(3 * pauseMs);
  expect(graces).toEqual([]);
});
