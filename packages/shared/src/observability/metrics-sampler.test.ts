import { expect, test } from 'vitest';
import { eventually } from '../testing/eventually.ts';
import { createSampler } from './metrics-sampler.ts';

/** A source whose answers are given by the test, and counted. */
function createSource() {
  const asked: PromiseWithResolvers<number>[] = [];
  const read = () => {
    const answer = Promise.withResolvers<number>();
    asked.push(answer);
    return answer.promise;
  };
  return { asked, read };
}

test('a value is remembered until it is too old', async () => {
  let reads = 0;
  const sample = createSampler(async () => (reads += 1), { maxAgeMs: 50, timeoutMs: 1000 });
  expect([await sample(), await sample()]).toEqual([1, 1]);
  await eventually(async () => expect(await sample()).toBe(2));
});

test('failing is remembered too, so that what is away is not asked at every scrape', async () => {
  let reads = 0;
  const fail = () => {
    reads += 1;
    return Promise.reject(new Error('away'));
  };
  const sample = createSampler(fail, { maxAgeMs: 10_000, timeoutMs: 1000 });
  expect([await sample(), await sample()]).toEqual([undefined, undefined]);
  expect(reads).toBe(1);
});

test('a source that hangs is not waited for, nor asked again beside', async () => {
  const { asked, read } = createSource();
  const sample = createSampler(read, { maxAgeMs: 10_000, timeoutMs: 20 });
  expect(await Promise.all([sample(), sample()])).toEqual([undefined, undefined]);
  expect(await sample()).toBeUndefined();
  expect(asked).toHaveLength(1);
  asked[0]?.resolve(42);
  await eventually(async () => expect(await sample()).toBe(42));
});
