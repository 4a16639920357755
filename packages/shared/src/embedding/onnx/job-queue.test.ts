import { describe, expect, test } from 'vitest';
import { JobQueue } from './job-queue.ts';
import type { OnnxTask } from './onnx-protocol.ts';
import { packRows, packVectors } from './packed-rows.ts';
import type { Job } from './row-queue.ts';

const task = (text: string): OnnxTask => ({ kind: 'split', texts: [text], prefix: '' });
const output = { kind: 'split' as const, texts: [], rows: packRows([]) };

describe('JobQueue', () => {
  test('gives jobs in order within a lane, and lanes in the order asked for', () => {
    const queue = new JobQueue(512);
    void queue.push('prepare', task('1'), { cost: 1, signal: undefined });
    void queue.push('prepare', task('2'), { cost: 1, signal: undefined });
    void queue.push('query', task('3'), { cost: 1, signal: undefined });
    const taken = [1, 2, 3, 4].map(() => queue.take(['query', 'prepare'])?.task);
    expect(taken).toEqual([task('3'), task('1'), task('2'), undefined]);
  });

  test('resolves with what the thread gives', async () => {
    const queue = new JobQueue(512);
    const promise = queue.push('prepare', task('1'), { cost: 1, signal: undefined });
    queue.take(['prepare'])?.resolve(output);
    await expect(promise).resolves.toBe(output);
  });

  test('drops a waiting job on abort, and rejects a begun one at once', async () => {
    const queue = new JobQueue(512);
    const abort = new AbortController();
    const begun = queue.push('prepare', task('begun'), { cost: 1, signal: abort.signal });
    const waiting = queue.push('prepare', task('waiting'), { cost: 1, signal: abort.signal });
    queue.take(['prepare']);
    abort.abort(new Error('gone'));
    await expect(begun).rejects.toThrow('gone');
    await expect(waiting).rejects.toThrow('gone');
    expect(queue.has(['prepare'])).toBe(false);
  });

  test('takes nothing with a signal that is aborted already', async () => {
    const queue = new JobQueue(512);
    await expect(
      queue.push('query', task('1'), { cost: 1, signal: AbortSignal.abort(new Error('early')) }),
    ).rejects.toThrow('early');
    expect(queue.has(['query'])).toBe(false);
  });

  test('fails what waits in the named lanes only', async () => {
    const queue = new JobQueue(512);
    const query = queue.push('query', task('1'), { cost: 1, signal: undefined });
    void queue.push('prepare', task('2'), { cost: 1, signal: undefined });
    queue.fail(['query'], new Error('no thread'));
    await expect(query).rejects.toThrow('no thread');
    expect(queue.has(['prepare'])).toBe(true);
  });

  test('lets a cheap job past costly ones, and takes the oldest in turn', () => {
    const queue = new JobQueue(512);
    const costs = [800, 700, 900, 1, 2, 600, 3];
    for (const cost of costs) void queue.push('prepare', task(String(cost)), { cost, signal: undefined });
    const taken = costs.map(() => textOf(queue.take(['prepare'])));
    const cheapest = taken.filter((_, place) => place % 2 === 1);
    expect(cheapest).toEqual(['1', '2', '3']);
    expect(taken[0]).toBe('800');
    expect(new Set(taken)).toEqual(new Set(costs.map(String)));
  });

  test('gives preparing and batches equal time while both have work, and nothing for time without', async () => {
    let now = 0;
    const queue = new JobQueue(1, () => now);
    const vectors = { kind: 'infer' as const, vectors: packVectors([Float32Array.of(1)]) };
    const spent = { split: 0, infer: 0 };
    function run(times: number): void {
      for (let n = 0; n < times; n += 1) {
        const job = queue.take(['prepare', 'batch']);
        if (job?.task.kind !== 'split' && job?.task.kind !== 'infer') throw new Error('no job');
        const ms = job.task.kind === 'split' ? 60 : 10;
        now += ms;
        spent[job.task.kind] += ms;
        job.resolve(job.task.kind === 'split' ? output : vectors);
      }
    }
    const rows = (count: number) => Array.from({ length: count }, () => Int32Array.of(1));
    // Long after preparing has had the thread for itself.
    for (let n = 0; n < 200; n += 1) void queue.push('prepare', task(String(n)), { cost: 60, signal: undefined });
    run(100);
    spent.split = 0;
    void queue.pushRows(rows(500), undefined);
    run(140);
    expect(spent.split / spent.infer).toBeGreaterThan(0.8);
    expect(spent.split / spent.infer).toBeLessThan(1.3);
  });
});

function textOf(job: Job | undefined): string | undefined {
  return job?.task.kind === 'split' ? job.task.texts[0] : undefined;
}
