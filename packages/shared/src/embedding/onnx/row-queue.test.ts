import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { packVectors, unpackRows } from './packed-rows.ts';
import { RowQueue, type Job } from './row-queue.ts';

const never = undefined;

/** A row of a length, known by its first id. */
function row(id: number, length: number): Int32Array {
  const ids = new Int32Array(length);
  ids[0] = id;
  return ids;
}

function rowsOf(job: Job | undefined): Int32Array[] {
  return job?.task.kind === 'infer' ? unpackRows(job.task.rows) : [];
}

const idsOf = (job: Job | undefined) => rowsOf(job).map((ids) => ids[0]);

/** As a thread does it: the vector of a row is its first id. */
function perform(job: Job | undefined): void {
  const vectors = packVectors(rowsOf(job).map((ids) => Float32Array.of(ids[0] ?? 0)));
  job?.resolve({ kind: 'infer', vectors });
}

function performAll(queue: RowQueue): Job[] {
  const jobs: Job[] = [];
  for (let job = queue.take(); job; job = queue.take()) {
    jobs.push(job);
    perform(job);
  }
  return jobs;
}

const firsts = (vectors: readonly Float32Array[]) => vectors.map((vector) => vector[0]);

describe('RowQueue', () => {
  test('gives every caller its own vectors in order, whatever is batched with what', async () => {
    const lengths = fc.array(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 30 }));
    await fc.assert(
      fc.asyncProperty(lengths, fc.integer({ min: 1, max: 200 }), async (calls, budget) => {
        const queue = new RowQueue(budget);
        const rows = calls.map((call, n) => call.map((length, index) => row(n * 100 + index, length)));
        const answers = rows.map((own) => queue.push(own, never));
        for (const job of performAll(queue)) {
          const sizes = rowsOf(job).map((ids) => ids.length);
          expect(sizes.length === 1 || sizes.length * Math.max(...sizes) <= budget).toBe(true);
        }
        expect(queue.isEmpty).toBe(true);
        const vectors = await Promise.all(answers);
        expect(vectors.map(firsts)).toEqual(rows.map((own) => own.map((ids) => ids[0])));
      }),
    );
  });

  test('puts rows of like length together, of several callers', () => {
    const queue = new RowQueue(24);
    void queue.push([row(1, 3), row(2, 12), row(3, 4)], never);
    void queue.push([row(4, 11), row(5, 4), row(6, 4), row(7, 4), row(8, 4)], never);
    const batches = performAll(queue).map((job) => new Set(idsOf(job)));
    expect(batches).toHaveLength(2);
    expect(batches).toContainEqual(new Set([1, 3, 5, 6, 7, 8]));
    expect(batches).toContainEqual(new Set([2, 4]));
  });

  test('takes a caller with little before one with much, and that one in turn', () => {
    const queue = new RowQueue(10);
    void queue.push(
      [1, 2, 3, 4, 5, 6].map((id) => row(id, 10)),
      never,
    );
    void queue.push([row(7, 1)], never);
    void queue.push([row(8, 2)], never);
    const order = performAll(queue).flatMap(idsOf);
    expect(order.indexOf(7)).toBeLessThanOrEqual(2);
    expect(order.indexOf(8)).toBeLessThanOrEqual(4);
    expect(order[0]).toBe(1);
  });

  test('fails nobody for a batch that several were in, and then only the one at fault', async () => {
    const queue = new RowQueue(100);
    const answers = [queue.push([row(1, 5), row(2, 5)], never), queue.push([row(666, 5)], never)];
    const settled = Promise.allSettled(answers);
    for (let job = queue.take(); job; job = queue.take()) {
      if (idsOf(job).includes(666)) job.reject(new Error('broken'));
      else perform(job);
    }
    const [fine, broken] = await settled;
    expect(fine).toMatchObject({ status: 'fulfilled' });
    expect(broken).toMatchObject({ status: 'rejected', reason: new Error('broken') });
  });

  test('lets what is aborted go at once, and what waits with it stays', async () => {
    const queue = new RowQueue(8);
    const stop = new AbortController();
    const aborted = queue.push([row(1, 4), row(2, 4), row(3, 4)], stop.signal);
    const kept = queue.push([row(4, 4)], never);
    const begun = queue.take();
    stop.abort(new Error('gone'));
    await expect(aborted).rejects.toThrow('gone');
    perform(begun);
    expect(
      performAll(queue)
        .flatMap(idsOf)
        .filter((id) => id !== 4),
    ).toEqual([]);
    expect(firsts(await kept)).toEqual([4]);
    await expect(queue.push([row(5, 1)], AbortSignal.abort(new Error('early')))).rejects.toThrow('early');
    expect(queue.isEmpty).toBe(true);
  });

  test('rejects all that waits when nobody will come for it', async () => {
    const queue = new RowQueue(8);
    const answers = [queue.push([row(1, 4)], never), queue.push([row(2, 4), row(3, 4)], never)];
    queue.failAll(new Error('no thread'));
    for (const answer of answers) await expect(answer).rejects.toThrow('no thread');
    expect(queue.take()).toBeUndefined();
  });
});
