import { beforeEach, expect, test } from 'vitest';
import type { ReadySegment } from './ready-segments.repository.ts';
import { createSegmentDirectory, noSegments } from './segment-directory.ts';

const segment: ReadySegment = { afterId: 'a', throughId: 'b', vectors: 20_000 };
const clock = { time: 0, now: () => new Date(clock.time) };
const asked = { lists: [] as string[], samples: 0 };
const errors: unknown[] = [];
let stored: ReadySegment[];
let failure: Error | undefined;

const repository = {
  listSegments(tenantId: string) {
    asked.lists.push(tenantId);
    return failure === undefined ? Promise.resolve(stored) : Promise.reject(failure);
  },
  takeSample() {
    asked.samples += 1;
    return Promise.resolve({ rowsPerMessage: 2, sample: ['x'] });
  },
};
const directory = (maxTenants = 100) =>
  createSegmentDirectory({ repository, clock, onError: (error) => errors.push(error), maxTenants });
const settled = () => new Promise((resolve) => setImmediate(resolve));

beforeEach(() => {
  clock.time = 0;
  asked.lists = [];
  asked.samples = 0;
  errors.length = 0;
  stored = [segment];
  failure = undefined;
});

test('many searches at once look once, and later ones not at all', async () => {
  const { listReadySegments } = directory();
  const known = await Promise.all([listReadySegments('t', 1), listReadySegments('t', 1)]);
  expect(known[0]).toEqual({ segments: [segment], rowsPerMessage: 2, sample: ['x'] });
  await listReadySegments('t', 1);
  expect(asked.lists).toEqual(['t']);
});

test('a tenant without segments is not sampled', async () => {
  stored = [];
  expect(await directory().listReadySegments('t', 1)).toEqual(noSegments);
  expect(asked.samples).toBe(0);
});

test('generations and tenants are kept apart', async () => {
  const { listReadySegments } = directory();
  await listReadySegments('t', 1);
  await listReadySegments('t', 2);
  await listReadySegments('u', 1);
  expect(asked.lists).toEqual(['t', 't', 'u']);
});

test('an older answer is used while it is looked up anew; the sample is kept for longer', async () => {
  const { listReadySegments } = directory();
  await listReadySegments('t', 1);
  stored = [segment, { ...segment, afterId: 'b', throughId: 'c' }];
  clock.time = 30_000;
  expect((await listReadySegments('t', 1)).segments).toHaveLength(1);
  await settled();
  expect((await listReadySegments('t', 1)).segments).toHaveLength(2);
  expect(asked.samples).toBe(1);
  clock.time = 700_000;
  await listReadySegments('t', 1);
  expect(asked.samples).toBe(2);
});

test('no search but the first one waits for a sample', async () => {
  const waiting: (() => void)[] = [];
  const takeSample = () =>
    new Promise<{ rowsPerMessage: number; sample: string[] }>((resolve) => {
      waiting.push(() => resolve({ rowsPerMessage: waiting.length, sample: [`taken ${waiting.length}`] }));
    });
  const { listReadySegments } = createSegmentDirectory({
    repository: { ...repository, takeSample },
    clock,
    onError: (error) => errors.push(error),
  });
  const first = listReadySegments('t', 1);
  await expect.poll(() => waiting.length).toBe(1);
  waiting[0]?.();
  expect((await first).sample).toEqual(['taken 1']);
  clock.time = 700_000;
  expect((await listReadySegments('t', 1)).sample).toEqual(['taken 1']);
  waiting[1]?.();
  await settled();
  expect((await listReadySegments('t', 1)).sample).toEqual(['taken 2']);
  expect(waiting).toHaveLength(2);
});

test('a look that fails leaves the older answer, for a while', async () => {
  const { listReadySegments } = directory();
  await listReadySegments('t', 1);
  failure = new Error('away');
  clock.time = 30_000;
  expect((await listReadySegments('t', 1)).segments).toHaveLength(1);
  await settled();
  expect(errors).toEqual([failure]);
  clock.time = 200_000;
  await expect(listReadySegments('t', 1)).rejects.toThrow('away');
  failure = undefined;
  expect((await listReadySegments('t', 1)).segments).toHaveLength(1);
});

test('the tenant that was not searched for longest is forgotten first', async () => {
  const { listReadySegments } = directory(2);
  for (const tenantId of ['a', 'b', 'a', 'c', 'a']) await listReadySegments(tenantId, 1);
  expect(asked.lists).toEqual(['a', 'b', 'c']);
  await listReadySegments('b', 1);
  expect(asked.lists).toEqual(['a', 'b', 'c', 'b']);
});
