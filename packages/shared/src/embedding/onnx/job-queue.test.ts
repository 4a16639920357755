import { describe, expect, it } from 'vitest';
import { JobQueue } from './job-queue.ts';
import type { OnnxTask } from './onnx-protocol.ts';
import { packRows } from './packed-rows.ts';

const task = (text: string): OnnxTask => ({ kind: 'split', texts: [text] });
const output = { kind: 'split' as const, texts: [], rows: packRows([]) };

describe('JobQueue', () => {
  it('gives jobs in order within a lane, and lanes in the order asked for', () => {
    const queue = new JobQueue(512);
    void queue.push('prepare', task('1'), undefined);
    void queue.push('prepare', task('2'), undefined);
    void queue.push('query', task('3'), undefined);
    const taken = [1, 2, 3, 4].map(() => queue.take(['query', 'prepare'])?.task);
    expect(taken).toEqual([task('3'), task('1'), task('2'), undefined]);
  });

  it('resolves with what the thread gives', async () => {
    const queue = new JobQueue(512);
    const promise = queue.push('prepare', task('1'), undefined);
    queue.take(['prepare'])?.resolve(output);
    await expect(promise).resolves.toBe(output);
  });

  it('drops a waiting job on abort, and rejects a begun one at once', async () => {
    const queue = new JobQueue(512);
    const abort = new AbortController();
    const begun = queue.push('prepare', task('begun'), abort.signal);
    const waiting = queue.push('prepare', task('waiting'), abort.signal);
    queue.take(['prepare']);
    abort.abort(new Error('gone'));
    await expect(begun).rejects.toThrow('gone');
    await expect(waiting).rejects.toThrow('gone');
    expect(queue.has(['prepare'])).toBe(false);
  });

  it('takes nothing with a signal that is aborted already', async () => {
    const queue = new JobQueue(512);
    await expect(queue.push('query', task('1'), AbortSignal.abort(new Error('early')))).rejects.toThrow('early');
    expect(queue.has(['query'])).toBe(false);
  });

  it('fails what waits in the named lanes only', async () => {
    const queue = new JobQueue(512);
    const query = queue.push('query', task('1'), undefined);
    void queue.push('prepare', task('2'), undefined);
    queue.fail(['query'], new Error('no thread'));
    await expect(query).rejects.toThrow('no thread');
    expect(queue.has(['prepare'])).toBe(true);
  });
});
