import { afterEach, describe, expect, test, vi } from 'vitest';
import { AppError } from '../../errors/app-error.ts';
import { partLimit, splitInParts } from '../split-part.ts';
import { OnnxPool } from './onnx-pool.ts';
import { OnnxThread, type StartThread } from './onnx-thread.ts';

// Models are loaded here, which takes seconds on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const fakeWorker = new URL('../testing/fake.worker.ts', import.meta.url);
const startFake: StartThread = (data) => OnnxThread.start(data, fakeWorker);
const files = { folder: '/nowhere', onnxFile: 'none.onnx', maxTokens: 128, collapseWhitespace: false };
const passage = { kind: 'passage' } as const;

describe('OnnxPool', () => {
  let pool: OnnxPool;

  async function start(options: ConstructorParameters<typeof OnnxPool>[1] = {}): Promise<void> {
    pool = new OnnxPool(files, { threads: 2, startThread: startFake, ...options });
    await pool.start();
  }

  afterEach(() => pool.stop());

  const firsts = (vectors: readonly Float32Array[]) => vectors.map((vector) => vector[0]);

  test('gives vectors in the order of the texts, whatever the batches', async () => {
    await start({ tokenBudget: 16 });
    const texts = Array.from({ length: 300 }, (_, index) => `${index}${' x'.repeat((index * 7) % 13)}`);
    expect(firsts(await pool.embed(texts, passage))).toEqual([...texts.keys()]);
  });

  test.each([
    ['no thread of their own for queries', { threads: 1, queryThread: false }],
    ['no threads for passages', { threads: 0, queryThread: true }],
  ])('serves both kinds with %s', async (_, options) => {
    await start(options);
    expect(firsts(await pool.embed(['1', '2'], { kind: 'query' }))).toEqual([1, 2]);
    expect(firsts(await pool.embed(['3'], passage))).toEqual([3]);
    expect(await pool.split('whole')).toEqual(['whole']);
  });

  test('splits texts that are asked for together in one message, and does not tokenise their passages again', async () => {
    await start({ threads: 1, queryThread: false });
    const texts = Array.from({ length: 60 }, (_, index) => `${index}|${index + 100}`);
    const passages = (await Promise.all(texts.map((text) => pool.split(text)))).flat();
    expect(passages).toEqual(texts.flatMap((text) => text.split('|')));
    const vectors = await pool.embed(passages, passage);
    expect(firsts(vectors)).toEqual(passages.map(Number));
    // The second number counts the thread's tasks: one split, then one batch.
    expect(vectors[0]?.[1]).toBe(2);
  });

  test('puts the prefix of its kind before each text, and passages with theirs are not tokenised again', async () => {
    await start({ threads: 1, queryThread: false, prefixes: { query: '2', passage: '1' } });
    const passages = await pool.split('7|8');
    expect(passages).toEqual(['7', '8']);
    const vectors = await pool.embed(passages, passage);
    expect(vectors).toEqual([Float32Array.of(17, 2), Float32Array.of(18, 2)]);
    // Of the other kind they are other texts: one more task for their tokens, one for the batch.
    expect(await pool.embed(passages, { kind: 'query' })).toEqual([Float32Array.of(27, 4), Float32Array.of(28, 4)]);
  });

  test('fails a text that cannot be split, and not those that were asked for with it', async () => {
    await start();
    const [fine, bad] = await Promise.allSettled([pool.split('1|2'), pool.split('!')]);
    expect(fine).toEqual({ status: 'fulfilled', value: ['1', '2'] });
    expect(bad).toMatchObject({ status: 'rejected', reason: { code: 'embedding_rejected' } });
  });

  test('keeps a thread for a bounded time with a task, whatever a text becomes when it is normalised', async () => {
    const sizes: number[] = [];
    await start({
      threads: 2,
      startThread: async (data) => {
        const thread = await startFake(data);
        return {
          get alive() {
            return thread.alive;
          },
          stop: () => thread.stop(),
          run: (task) => {
            if (task.kind === 'split' || task.kind === 'tokenise') {
              sizes.push(task.texts.reduce((sum, text) => sum + text.normalize('NFKC').length, 0));
            }
            return thread.run(task);
          },
        };
      },
    });
    const long = ['\ufdfa'.repeat(20_000), '7 x '.repeat(25_000)];
    const limit = partLimit(128);
    await Promise.all(long.map((text) => splitInParts((part) => pool.split(part), text, limit)));
    await pool.embed(
      Array.from({ length: 200 }, (_, index) => `${index} ${'\ufdfa'.repeat(30)}`),
      passage,
    );
    expect(sizes.length).toBeGreaterThan(50);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(18 * 512);
  });

  test('splits queries where queries are computed, so that they do not wait for passages', async () => {
    const started: number[] = [];
    const done: number[] = [];
    await start({
      threads: 1,
      startThread: async (data) => {
        const number = started.push(started.length) - 1;
        const thread = await startFake(data);
        return {
          get alive() {
            return thread.alive;
          },
          stop: () => thread.stop(),
          run: (task) => {
            done.push(number);
            return thread.run(task);
          },
        };
      },
    });
    // The thread for queries is the first one.
    await pool.split('1|2', { kind: 'query' });
    await pool.split('3|4');
    expect(done).toEqual([0, 1]);
  });

  test('refuses to exist without a thread', () => {
    expect(() => new OnnxPool(files, { threads: 0, queryThread: false })).toThrow('at least one thread');
  });

  test('rejects the batch that kills a thread and serves the next with a new one', async () => {
    await start({ threads: 1 });
    await expect(pool.embed(['666'], passage)).rejects.toMatchObject({
      code: 'embedding_unavailable',
      message: expect.stringContaining('the thread broke'),
    });
    expect(firsts(await pool.embed(['5'], passage))).toEqual([5]);
  });

  test('goes on with what was queued behind a batch that killed the thread', async () => {
    await start({ threads: 1 });
    const broken = pool.embed(['666'], passage).then(
      () => 'served',
      () => 'rejected',
    );
    expect(firsts(await pool.embed(['8'], passage))).toEqual([8]);
    expect(await broken).toBe('rejected');
  });

  test('says that the model rejected a batch, and lives on', async () => {
    await start();
    await expect(pool.embed(['400'], passage)).rejects.toMatchObject({ code: 'embedding_rejected' });
    expect(firsts(await pool.embed(['1'], passage))).toEqual([1]);
  });

  test('rejects, rather than keeps waiting, when a dead thread cannot be replaced', async () => {
    let starts = 0;
    await start({
      threads: 1,
      queryThread: false,
      startThread: (data) => {
        starts += 1;
        if (starts > 1) return Promise.reject(new AppError('embedding_unavailable', 'no model any more'));
        return startFake(data);
      },
    });
    const results = await Promise.allSettled([pool.embed(['666'], passage), pool.embed(['1'], passage)]);
    expect(results.map((result) => result.status)).toEqual(['rejected', 'rejected']);
    await expect(pool.embed(['2'], passage)).rejects.toMatchObject({ code: 'embedding_unavailable' });
    expect(starts).toBe(2);
  });

  test('drops batches that have not begun when the caller aborts, and rejects at once', async () => {
    await start({ threads: 1, tokenBudget: 1 });
    const abort = new AbortController();
    const many = pool.embed(
      Array.from({ length: 500 }, () => '1'),
      { kind: 'passage', signal: abort.signal },
    );
    setImmediate(() => abort.abort(new Error('no longer wanted')));
    await expect(many).rejects.toThrow('no longer wanted');
    const [after] = await pool.embed(['2'], passage);
    // The second number counts the thread's tasks: far from all 500 were computed.
    expect(after?.[1]).toBeLessThan(500);
  });

  test('settles everything on stop, and refuses work afterwards', async () => {
    await start({ threads: 1, tokenBudget: 1 });
    const calls = Array.from({ length: 20 }, () => pool.embed(['1', '2', '3'], passage));
    const settled = Promise.allSettled(calls);
    await pool.stop();
    const results = await settled;
    expect(results.every((result) => result.status === 'fulfilled' || result.reason instanceof AppError)).toBe(true);
    await expect(pool.embed(['1'], passage)).rejects.toMatchObject({ code: 'embedding_unavailable' });
  });

  test('reports a model that cannot be loaded and leaves no thread behind', async () => {
    pool = new OnnxPool(files, { threads: 2 });
    await expect(pool.start()).rejects.toMatchObject({ code: 'embedding_unavailable' });
  });
});
