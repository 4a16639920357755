import { describe, expect, test } from 'vitest';
import { StatisticsCache } from './statistics-cache.ts';
import type { MessageSample } from './term-statistics.ts';
import { sampleOf } from './testing/sample-of.ts';

const sampleOfSize = (messages: number, word = 'word'): MessageSample =>
  sampleOf(Array.from({ length: messages }, () => [word]));

function createCache(load: (tenantId: string) => Promise<MessageSample>, maxSize = 1e6) {
  const errors: Error[] = [];
  let time = 0;
  const cache = new StatisticsCache({
    load,
    clock: { now: () => new Date(time) },
    maxSize,
    onError: (error) => errors.push(error),
  });
  return { cache, errors, pass: (ms: number) => (time += ms) };
}

describe('the statistics of a tenant', () => {
  test('are taken once for all who ask at once, and kept', async () => {
    let loads = 0;
    const { cache } = createCache(async () => sampleOfSize(100 + loads++));
    const [one, two] = await Promise.all([cache.get('a'), cache.get('a')]);
    expect([one.messages, two.messages, (await cache.get('a')).messages]).toEqual([100, 100, 100]);
    expect((await cache.get('b')).messages).toBe(101);
  });

  test('are answered as they were while they are taken anew', async () => {
    let loads = 0;
    const { cache, pass } = createCache(async () => sampleOfSize(100 + loads++));
    await cache.get('a');
    pass(60_001);
    expect((await cache.get('a')).messages).toBe(100);
    await expect.poll(async () => (await cache.get('a')).messages).toBe(101);
    expect(loads).toBe(2);
  });

  test('rest in proportion to what they cost', async () => {
    let loads = 0;
    const made = createCache(async () => {
      made.pass(1000);
      return sampleOfSize(100 + loads++);
    });
    await made.cache.get('a');
    made.pass(300_000);
    await made.cache.get('a');
    expect(loads).toBe(1);
    made.pass(200_000);
    await made.cache.get('a');
    expect(loads).toBe(2);
  });

  test('of very few messages are taken for every search', async () => {
    let messages = 0;
    const { cache } = createCache(async () => sampleOfSize(messages++));
    expect([(await cache.get('a')).messages, (await cache.get('a')).messages]).toEqual([0, 1]);
  });

  test('stay as they are when they cannot be taken anew, and fail only where nothing is known', async () => {
    let works = true;
    const { cache, errors, pass } = createCache(async () => {
      if (!works) throw new Error('away');
      return sampleOfSize(100);
    });
    await cache.get('a');
    works = false;
    pass(70_000);
    expect((await cache.get('a')).messages).toBe(100);
    await expect.poll(() => errors.map((error) => error.message)).toEqual(['away']);
    await expect(cache.get('b')).rejects.toThrow('away');
  });

  test('make room for others when there are too many, the longest unused first', async () => {
    const loaded: string[] = [];
    const { cache } = createCache(
      async (tenantId) => {
        loaded.push(tenantId);
        return sampleOfSize(100);
      },
      2.5 * sampleOfSize(100).text.length,
    );
    for (const tenantId of ['a', 'b', 'a', 'c', 'a', 'b']) await cache.get(tenantId);
    expect(loaded).toEqual(['a', 'b', 'c', 'b']);
  });
});
