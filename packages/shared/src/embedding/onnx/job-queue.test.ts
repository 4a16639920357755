import { describe, expect, it } from 'vitest';
import { JobQueue } from './job-queue.ts';
import type { OnnxTask } from './onnx-protocol.ts';

const task = (text: string): OnnxTask => ({ kind: 'split', text });
const output = { kind: 'split' as const, passages: [] };

describe('JobQueue', () => {
  it('gives jobs in order within a lane, and lanes in the order asked for', () => {
    const queue = new JobQueue();
    void queue.push('batch', task('1'), undefined);
    void queue.push('batch', task('2'), undefined);
    void queue.push('query', task('3'), undefined);
    const taken = [1, 2, 3, 4].map(() => queue.take(['query', 'batch'])?.task);
    expect(taken).toEqual([task('3'), task('1'), task('2'), undefined]);
  });

  it('resolves with what the thread gives', async () => {
    const queue = new JobQueue();
    const promise = queue.push('batch', task('1'), undefined);
    queue.take(['batch'])?.resolve(output);
    await expect(promise).resolves.toBe(output);
  });

  it('drops a waiting job on abort, and rejects a begun one at once', async () => {
    const queue = new JobQueue();
    const abort = new AbortController();
    const begun = queue.push('batch', task('begun'), abort.signal);
    const waiting = queue.push('batch', task('waiting'), abort.signal);
    queue.take(['batch']);
    abort.abort(new Error('gone'));
    await expect(begun).rejects.toThrow('gone');
    await expect(waiting).rejects.toThrow('gone');
    expect(queue.has(['batch'])).toBe(false);
  });

  it('takes nothing with a signal that is aborted already', async () => {
    const queue = new JobQueue();
    await expect(queue.push('query', task('1'), AbortSignal.abort(new Error('early')))).rejects.toThrow('early');
    expect(queue.has(['query'])).toBe(false);
  });

  it('fails what waits in the named lanes only', async () => {
    const queue = new JobQueue();
    const query = queue.push('query', task('1'), undefined);
    void queue.push('batch', task('2'), undefined);
    queue.fail(['query'], new Error('no thread'));
    await expect(query).rejects.toThrow('no thread');
    expect(queue.has(['batch'])).toBe(true);
  });
});
