import fc from 'fast-check';
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
  return { coalescer, batches, sizes: () => batches.map((batch) => batch.items.length) };
}

const turn = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

describe('coalescing', () => {
  test('what arrives in one turn goes together; what arrives while it runs goes next, together', async () => {
    const { coalescer, batches } = setUp();
    const first = [1, 2].map((n) => coalescer.submit(n));
    await turn();
    const second = [3, 4, 5].map((n) => coalescer.submit(n));
    await turn();
    expect(batches.map((batch) => batch.items)).toEqual([[1, 2]]);
    batches[0]?.finish();
    expect(await Promise.all(first)).toEqual(['1', '2']);
    await turn();
    expect(batches[1]?.items).toEqual([3, 4, 5]);
    batches[1]?.finish();
    expect(await Promise.all(second)).toEqual(['3', '4', '5']);
  });

  test('as many batches run as may, none more', async () => {
    const { coalescer, batches } = setUp({ maxConcurrent: 2, maxBatchWeight: 1 });
    const all = [1, 2, 3].map((n) => coalescer.submit(n));
    await turn();
    expect(batches).toHaveLength(2);
    batches[1]?.finish();
    await turn();
    expect(batches).toHaveLength(3);
    for (const batch of batches) batch.finish();
    expect(await Promise.all(all)).toEqual(['1', '2', '3']);
  });

  test('beside a running batch only one that weighs enough runs; alone, any', async () => {
    const { coalescer, batches } = setUp({ maxConcurrent: 2, minParallelWeight: 3 });
    const all = [coalescer.submit(1)];
    await turn();
    all.push(coalescer.submit(2), coalescer.submit(3));
    await turn();
    expect(batches.map((batch) => batch.items)).toEqual([[1]]);
    all.push(coalescer.submit(4));
    await turn();
    expect(batches.map((batch) => batch.items)).toEqual([[1], [2, 3, 4]]);
    all.push(coalescer.submit(5));
    batches[0]?.finish();
    await turn();
    expect(batches).toHaveLength(2);
    batches[1]?.finish();
    await turn();
    expect(batches[2]?.items).toEqual([5]);
    batches[2]?.finish();
    expect(await Promise.all(all)).toEqual(['1', '2', '3', '4', '5']);
  });

  test('an item heavier than a batch, or than the queue, goes alone', async () => {
    const { coalescer, batches } = setUp({ weigh: (n) => n, maxBatchWeight: 10, maxQueuedWeight: 20 });
    const all = [4, 5].map((n) => coalescer.submit(n));
    await turn();
    const heavy = coalescer.submit(500);
    batches[0]?.finish();
    await turn();
    expect(batches.map((batch) => batch.items)).toEqual([[4, 5], [500]]);
    batches[1]?.finish();
    await Promise.all([...all, heavy]);
  });
});

describe('the bound', () => {
  test('what would pass it is refused with a time to come again, and costs nothing', async () => {
    const { coalescer, batches } = setUp({ maxQueuedWeight: 2 });
    const running = coalescer.submit(1);
    await turn();
    const waiting = [2, 3].map((n) => coalescer.submit(n));
    await expect(coalescer.submit(4)).rejects.toMatchObject({ code: 'unavailable', retryAfterSeconds: 1 });
    expect(coalescer.queuedWeight).toBe(2);
    batches[0]?.finish();
    await running;
    await turn();
    batches[1]?.finish();
    expect(await Promise.all(waiting)).toEqual(['2', '3']);
    const again = coalescer.submit(5);
    await turn();
    batches[2]?.finish();
    expect(await again).toBe('5');
  });
});

describe('failure', () => {
  test('a batch that fails fails its items, and the next goes on', async () => {
    const { coalescer, batches } = setUp();
    const failed = [1, 2].map((n) => coalescer.submit(n));
    await turn();
    const next = coalescer.submit(3);
    batches[0]?.fail(new Error('away'));
    for (const outcome of await Promise.allSettled(failed)) expect(outcome).toMatchObject({ status: 'rejected' });
    await turn();
    batches[1]?.finish();
    expect(await next).toBe('3');
  });

  test('a runner with too few results fails its items instead of leaving one waiting', async () => {
    const { coalescer, batches } = setUp();
    const items = [1, 2].map((n) => coalescer.submit(n));
    await turn();
    batches[0]?.finish(['1']);
    for (const outcome of await Promise.allSettled(items)) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: new Error('1 results for 2 items') });
    }
  });

  test('a runner that throws before its promise fails its items', async () => {
    const { coalescer } = setUp({
      run: () => {
        throw new Error('at once');
      },
    });
    await expect(coalescer.submit(1)).rejects.toThrow('at once');
  });
});

describe('abort', () => {
  test('an aborted item leaves the queue; one under way is done, though its caller has its answer', async () => {
    const { coalescer, batches } = setUp();
    const abort = new AbortController();
    const running = coalescer.submit(1, abort.signal);
    await turn();
    const waiting = coalescer.submit(2, abort.signal);
    const kept = coalescer.submit(3);
    abort.abort(new Error('gone'));
    await expect(running).rejects.toThrow('gone');
    await expect(waiting).rejects.toThrow('gone');
    expect(coalescer.queuedWeight).toBe(1);
    await expect(coalescer.submit(4, abort.signal)).rejects.toThrow('gone');
    batches[0]?.finish();
    await turn();
    expect(batches.map((batch) => batch.items)).toEqual([[1], [3]]);
    batches[1]?.finish();
    expect(await kept).toBe('3');
  });
});

describe('close', () => {
  test('waits for all that was taken, takes no more, and may be called twice', async () => {
    const { coalescer, batches } = setUp();
    const taken = [1, 2].map((n) => coalescer.submit(n));
    const closing = [coalescer.close(), coalescer.close()];
    await expect(coalescer.submit(3)).rejects.toMatchObject({ code: 'unavailable' });
    let closed = false;
    void Promise.all(closing).then(() => (closed = true));
    await turn();
    expect(closed).toBe(false);
    batches[0]?.finish();
    expect(await Promise.all(taken)).toEqual(['1', '2']);
    await Promise.all(closing);
  });

  test('waits for what still waits behind a running batch', async () => {
    const { coalescer, batches, sizes } = setUp();
    const running = coalescer.submit(1);
    await turn();
    const waiting = [2, 3].map((n) => coalescer.submit(n));
    const closing = coalescer.close();
    batches[0]?.finish();
    await running;
    await turn();
    expect(sizes()).toEqual([1, 2]);
    batches[1]?.finish();
    await Promise.all([...waiting, closing]);
  });
});

test.each([1, 3])('whatever happens with %i keys: order kept, bounds held, each caller answered once', async (keys) => {
  const keyOf = (n: number) => String(n % keys);
  const step = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({ kind: fc.constant('submit' as const), weight: fc.integer({ min: 1, max: 9 }) }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('end' as const), fails: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('abort' as const), which: fc.nat() }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('turn' as const) }) },
  );
  const limits = {
    maxBatchWeight: 12,
    maxConcurrent: 2,
    maxQueuedWeight: 30,
    minParallelWeight: 4,
    fairness: { keyOf, maxQueuedWeightPerKey: 20, quantum: 5, reserveMs: 1000 },
  };
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 80 }), async (steps) => {
      const weights: number[] = [];
      const weigh = (n: number) => weights[n] ?? 0;
      const { coalescer, batches } = setUp({ ...limits, weigh });
      const answers: string[][] = [];
      const aborts: AbortController[] = [];
      const open: Batch[] = [];
      let seen = 0;
      const settle = async () => {
        await turn();
        for (; seen < batches.length; seen++) open.push(...batches.slice(seen, seen + 1));
        expect(open.length).toBeLessThanOrEqual(limits.maxConcurrent);
        expect(coalescer.queuedWeight).toBeLessThanOrEqual(limits.maxQueuedWeight);
      };
      const end = (fails: boolean) => {
        const [batch] = open.splice(0, 1);
        if (fails) batch?.fail(new Error('failed'));
        else batch?.finish();
      };
      for (const action of steps) {
        if (action.kind === 'submit') {
          const n = weights.push(action.weight) - 1;
          const outcomes: string[] = [];
          answers.push(outcomes);
          const abort = new AbortController();
          aborts.push(abort);
          coalescer.submit(n, abort.signal).then(
            (result) => outcomes.push(result),
            (error: unknown) => outcomes.push(error instanceof Error ? error.message : ''),
          );
        } else if (action.kind === 'abort') aborts[action.which % (aborts.length || 1)]?.abort(new Error('aborted'));
        else if (action.kind === 'end') end(action.fails);
        else await settle();
      }
      const closing = coalescer.close();
      for (let left = 0; left <= steps.length; left++) {
        await settle();
        end(false);
      }
      await closing;
      await turn();

      const ran = batches.flatMap((batch) => batch.items);
      expect(ran).toHaveLength(new Set(ran).size);
      for (const own of Map.groupBy(ran, keyOf).values()) expect(own).toEqual(own.toSorted((a, b) => a - b));
      for (const { items } of batches) {
        const weight = items.reduce((sum, n) => sum + weigh(n), 0);
        expect(items.length === 1 || weight <= limits.maxBatchWeight).toBe(true);
      }
      for (const [n, outcomes] of answers.entries()) {
        expect(outcomes).toHaveLength(1);
        const refusals = ['Too many numbers are waiting.', 'Too many of your numbers are waiting.'];
        expect(['aborted', 'failed', ...refusals, String(n)]).toContain(outcomes[0]);
        expect(outcomes[0] === String(n) && !ran.includes(n)).toBe(false);
        expect(refusals.includes(outcomes[0] ?? '') && ran.includes(n)).toBe(false);
      }
    }),
    { numRuns: 300 },
  );
});
