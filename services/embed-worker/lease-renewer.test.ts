import { createLogger } from '@memory-layer/shared/observability/logger';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { LeasedBatch } from './lease.ts';
import { LeaseRenewer } from './lease-renewer.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const leaseMs = 60_000;
const batch = (tenantId: string): LeasedBatch => ({ work: { tenantId, generation: 1 }, messages: [] });

function createRenewer(renew: () => Promise<void> = () => Promise.resolve()) {
  const renewed: string[][] = [];
  const lines: string[] = [];
  const renewer = new LeaseRenewer({
    repository: {
      renew: (batches) => {
        renewed.push(batches.map(({ work }) => work.tenantId));
        return renew();
      },
    },
    leaseMs,
    logger: createLogger({ service: 'test', level: 'info', stream: { write: (line) => void lines.push(line) } }),
  });
  return { renewer, renewed, lines };
}

test('what is worked on is renewed before its lease ends, together, and no longer than the work lasts', async () => {
  const { renewer, renewed } = createRenewer();
  const [first, second] = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
  const working = [renewer.during(batch('a'), () => first.promise), renewer.during(batch('b'), () => second.promise)];
  await vi.advanceTimersByTimeAsync(leaseMs / 2);
  expect(renewed).toEqual([['a', 'b']]);
  first.resolve('done');
  expect(await working[0]).toBe('done');
  await vi.advanceTimersByTimeAsync(leaseMs / 3);
  expect(renewed).toEqual([['a', 'b'], ['b']]);
  second.reject(new Error('failed'));
  await expect(working[1]).rejects.toThrow('failed');
  expect(vi.getTimerCount(), 'an idle worker asks the database nothing').toBe(0);
});

test('goes on when the database is away for a while', async () => {
  let isAway = true;
  const { renewer, renewed, lines } = createRenewer(() =>
    isAway ? Promise.reject(new Error('away')) : Promise.resolve(),
  );
  const work = Promise.withResolvers<void>();
  const working = renewer.during(batch('a'), () => work.promise);
  await vi.advanceTimersByTimeAsync(leaseMs / 2);
  isAway = false;
  await vi.advanceTimersByTimeAsync(leaseMs / 2);
  expect(renewed.length).toBeGreaterThanOrEqual(2);
  expect(lines).toHaveLength(1);
  work.resolve();
  await working;
});
