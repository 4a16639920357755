import { describe, expect, test } from 'vitest';
import { Coalescer, type CoalescerOptions } from './coalescer.ts';

interface Batch {
  readonly items: readonly number[];
  readonly finish: (results?: readonly string[]) => void;
  readonly fail: (error: Error) => void;
}

/** A coalescer of numbers whose batches end when the test says so. */
function setUp(options: Partial<CoalescerOptions<number, string>> = {}) {
  const batches: Batch[] = [];
  const coalescer = new Coalescer<number, string>({
    what: 'numbers',
    run: (items) =>
      new Promise((resolve, reject) => {
        const finish = (results: readonly string[] = items.map(String)) => resolve(results);
        batches.push({ items, finish, fail: reject });
      }),
    maxBatchWeight: 100,
    maxConcurrent: 1,
    maxQueuedWeight: 1000,
    ...options,
  });
  return { coalescer, batches };
}

const turn = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

describe('fairness', () => {
  /** Keys are hundreds: 1, 2 and 3 are of key 0; 101 and 102 of key 1. */
  const fairness = {
    keyOf: (n: number) => String(Math.floor(n / 100)),
    maxQueuedWeightPerKey: 1000,
    quantum: 2,
    reserveMs: 1000,
  };
  const running = async (coalescer: Coalescer<number, string>, batches: readonly Batch[], first = 900) => {
    const done = coalescer.submit(first);
    await turn();
    return { end: () => batches[0]?.finish(), done };
  };

  test('a key alone goes as without: first in, first out, in batches as large as may be', async () => {
    const { coalescer, batches } = setUp({ fairness });
    const all = [1, 2, 3, 4, 5].map((n) => coalescer.submit(n));
    await turn();
    expect(batches.map(({ items }) => items)).toEqual([[1, 2, 3, 4, 5]]);
    batches[0]?.finish();
    await Promise.all(all);
  });

  test('keys take turns, a quantum each, and within a key the order is kept', async () => {
    const { coalescer, batches } = setUp({ fairness });
    const busy = await running(coalescer, batches);
    const all = [1, 2, 3, 4, 5, 101, 102, 103, 201].map((n) => coalescer.submit(n));
    busy.end();
    for (let n = 1; n < 5; n++) {
      await turn();
      batches[n]?.finish();
    }
    await Promise.all(all);
    expect(batches.slice(1).map(({ items }) => items)).toEqual([[1, 2, 101, 102, 201], [3, 4, 103], [5]]);
  });

  test('an item that is more than a quantum has its turn too', async () => {
    const weigh = (n: number) => (n === 1 ? 50 : 1);
    const { coalescer, batches } = setUp({ fairness: { ...fairness, quantum: 10 }, weigh, maxConcurrent: 1 });
    const busy = await running(coalescer, batches);
    const all = [1, ...Array.from({ length: 200 }, (_, n) => 101 + n / 1000)].map((n) => coalescer.submit(n));
    busy.end();
    const isDone = { large: false };
    void all[0]?.then(() => (isDone.large = true));
    for (let n = 1; n < 8; n++) {
      await turn();
      batches[n]?.finish();
    }
    await turn();
    expect(isDone.large).toBe(true);
    for (let n = 8; n < 40; n++) {
      batches[n]?.finish();
      await turn();
    }
    await Promise.all(all);
  });

  test('what passes the bound of a key is refused to that key alone', async () => {
    const { coalescer, batches } = setUp({ fairness: { ...fairness, maxQueuedWeightPerKey: 2 } });
    const busy = await running(coalescer, batches);
    const waiting = [1, 2].map((n) => coalescer.submit(n));
    await expect(coalescer.submit(3)).rejects.toMatchObject({ code: 'rate_limited', retryAfterSeconds: 1 });
    const other = coalescer.submit(101);
    busy.end();
    await turn();
    batches[1]?.finish();
    expect(await Promise.all([...waiting, other])).toEqual(['1', '2', '101']);
  });

  test('a key leaves a runner free while others are there, and has all of them when they are not', async () => {
    const alone = setUp({ fairness, maxConcurrent: 2, maxBatchWeight: 1 });
    void [1, 2, 3].map((n) => alone.coalescer.submit(n));
    await turn();
    expect(alone.batches).toHaveLength(2);

    const beside = setUp({ fairness, maxConcurrent: 2, maxBatchWeight: 1 });
    const other = beside.coalescer.submit(101);
    await turn();
    beside.batches[0]?.finish();
    await other;
    void [1, 2, 3].map((n) => beside.coalescer.submit(n));
    await turn();
    expect(beside.batches.map(({ items }) => items)).toEqual([[101], [1]]);
    void beside.coalescer.submit(102);
    await turn();
    expect(beside.batches.at(-1)?.items).toEqual([102]);
  });

  describe('while batches run, a small batch', () => {
    /** Numbers below 10 of a hundred are small, others are as large as a quantum. */
    const weigh = (n: number) => (n % 100 < 10 ? 1 : 2);
    const options = { fairness, weigh, maxConcurrent: 4, maxBatchWeight: 2, minParallelWeight: 50 };
    const startedBeside = async (underWay: readonly number[], next: number) => {
      const { coalescer, batches } = setUp(options);
      for (const n of underWay) {
        void coalescer.submit(n);
        await turn();
      }
      expect(batches).toHaveLength(underWay.length);
      void coalescer.submit(next);
      await turn();
      return batches.length > underWay.length;
    };

    test('goes at once beside large ones of other keys', async () => {
      expect(await startedBeside([110], 1)).toBe(true);
      expect(await startedBeside([110, 210], 1)).toBe(true);
    });

    test('waits for a small one, which is soon over', async () => {
      expect(await startedBeside([101], 1)).toBe(false);
      expect(await startedBeside([110, 201], 1)).toBe(false);
    });

    test('waits for one of its own key', async () => {
      expect(await startedBeside([10], 1)).toBe(false);
      expect(await startedBeside([110, 10], 1)).toBe(false);
    });
  });
});

describe('a rest', () => {
  const partMs = 60;
  const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  const fairness = {
    keyOf: (n: number) => String(Math.floor(n / 100)),
    maxQueuedWeightPerKey: 1000,
    quantum: 2,
    reserveMs: 0,
  };

  /** Batches that ran by the time that half of a rest has passed, after one that took a while, and in the end. */
  async function afterHalfARest(hasOthers: ((key: string) => boolean) | undefined, next: readonly number[]) {
    const { coalescer, batches } = setUp({
      maxBatchWeight: 2,
      fairness: { ...fairness, ...(hasOthers && { hasOthers }) },
    });
    const first = [1, 2].map((n) => coalescer.submit(n));
    await turn();
    const later = next.map((n) => coalescer.submit(n));
    await sleep(partMs);
    batches[0]?.finish();
    await Promise.all(first);
    await sleep(partMs / 2);
    const early = batches.slice(1).map(({ items }) => items);
    for (let n = 1; n < 1 + next.length; n++) {
      await sleep(2 * partMs);
      batches[n]?.finish();
    }
    expect(await Promise.all(later)).toEqual(next.map(String));
    return early;
  }

  test('after a batch of which a key had much, it waits for as long while others ask, and goes on by itself', async () => {
    expect(await afterHalfARest(() => true, [3])).toEqual([]);
  });

  test('nobody rests while no one else asks, nor where nobody says who asks', async () => {
    expect(await afterHalfARest(() => false, [3])).toEqual([[3]]);
    expect(await afterHalfARest(undefined, [3])).toEqual([[3]]);
  });

  test('while a key rests, others have their turn', async () => {
    expect(await afterHalfARest(() => true, [3, 101])).toEqual([[101]]);
  });

  test('nothing rests once no more is taken', async () => {
    const { coalescer, batches } = setUp({ maxBatchWeight: 2, fairness: { ...fairness, hasOthers: () => true } });
    const all = [1, 2, 3].map((n) => coalescer.submit(n));
    await turn();
    await sleep(partMs);
    batches[0]?.finish();
    await turn();
    const closing = coalescer.close();
    await turn();
    expect(batches.map(({ items }) => items)).toEqual([[1, 2], [3]]);
    batches[1]?.finish();
    await closing;
    expect(await Promise.all(all)).toEqual(['1', '2', '3']);
  });
});
