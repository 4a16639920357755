import { createLogger } from '@memory-layer/shared/observability/logger';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { LeasedBatch } from './embedding.repository.ts';
import { LeaseKeeper } from './lease-keeper.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const leaseMs = 60_000;
const batch = (tenantId: string): LeasedBatch => ({ work: { tenantId, generation: 1 }, messages: [] });

function createKeeper(extend: () => Promise<void> = () => Promise.resolve()) {
  const extended: string[][] = [];
  const lines: string[] = [];
  const keeper = new LeaseKeeper({
    repository: {
      extend: (batches) => {
        extended.push(batches.map(({ work }) => work.tenantId));
        return extend();
      },
    },
    leaseMs,
    logger: createLogger({ service: 'test', level: 'info', stream: { write: (line) => void lines.push(line) } }),
  });
  return { keeper, extended, lines };
}

test('what is worked on is extended before its lease ends, together, and no longer than the work lasts', async () => {
  const { keeper, extended } = createKeeper();
  const [first, second] = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
  const working = [keeper.during(batch('a'), () => first.promise), keeper.during(batch('b'), () => second.promise)];
  await vi.advanceTimersByTimeAsync(leaseMs / 2);
  expect(extended).toEqual([['a', 'b']]);
  first.resolve('done');
  expect(await working[0]).toBe('done');
  await vi.advanceTimersByTimeAsync(leaseMs / 3);
  expect(extended).toEqual([['a', 'b'], ['b']]);
  second.reject(new Error('failed'));
  await expect(working[1]).rejects.toThrow('failed');
  expect(vi.getTimerCount(), 'an idle worker asks the database nothing').toBe(0);
});

test('goes on when the database is away for a while', async () => {
  let isAway = true;
  const { keeper, extended, lines } = createKeeper(() =>
    isAway ? Promise.reject(new Error('away')) : Promise.resolve(),
  );
  const work = Promise.withResolvers<void>();
  const working = keeper.during(batch('a'), () => work.promise);
  await vi.advanceTimersByTimeAsync(leaseMs / 2);
  isAway = false;
  await vi.advanceTimersByTimeAsync(leaseMs / 2);
  expect(extended.length).toBeGreaterThanOrEqual(2);
  expect(lines).toHaveLength(1);
  work.resolve();
  await working;
});
