import { describe, expect, test } from 'vitest';
import { AppError } from '../errors/app-error.ts';
import { QueryBatcher } from './query-batcher.ts';
import { ScriptedEmbedder } from './testing/scripted-embedder.ts';
import { tokensOf } from './work-estimate.ts';
import { nonEmpty } from '../testing/non-empty.ts';

const query = { kind: 'query' } as const;
const vectorOf = (text: string) => Float32Array.of(text.length, Number(text.split(' ')[1] ?? 0));

function createGatherer(callsAtOnce = 1) {
  const scripted = new ScriptedEmbedder();
  scripted.answer = async (texts) => texts.map(vectorOf);
  return { scripted, embedder: new QueryBatcher(scripted, { callsAtOnce }) };
}

/** A model that answers when the test says so. */
function createSlowGatherer(callsAtOnce = 1) {
  const { scripted, embedder } = createGatherer(callsAtOnce);
  const waiting: (() => void)[] = [];
  scripted.answer = (texts) =>
    new Promise((resolve) => {
      waiting.push(() => resolve(texts.map(vectorOf)));
    });
  return { scripted, embedder, waiting };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const asked = (scripted: ScriptedEmbedder) => scripted.calls.map(({ texts }) => texts.length);

describe('QueryBatcher', () => {
  test('batches what arrives while a call is under way, and gives each caller its own vectors', async () => {
    const { scripted, embedder, waiting } = createSlowGatherer();
    const first = embedder.embed(['q 0'], query);
    await turn();
    const texts = Array.from({ length: 20 }, (_, n) => `query ${n + 1}`);
    const others = texts.map((text) => embedder.embed([text], query));
    await turn();
    expect(asked(scripted)).toEqual([1]);
    waiting[0]?.();
    expect(await first).toEqual([vectorOf('q 0')]);
    await turn();
    waiting[1]?.();
    expect(await Promise.all(others)).toEqual(texts.map((text) => [vectorOf(text)]));
    expect(asked(scripted)).toEqual([1, 20]);
    expect(nonEmpty(scripted.calls).every(({ options }) => options.kind === 'query')).toBe(true);
  });

  test('asks an idle model at once, and a remote one several times side by side', async () => {
    const { scripted, embedder, waiting } = createSlowGatherer(2);
    const answers = [];
    for (const text of ['a 1', 'b 2', 'c 3']) {
      answers.push(embedder.embed([text], query));
      await turn();
    }
    expect(asked(scripted)).toEqual([1, 1]);
    waiting.forEach((finish) => finish());
    await Promise.all(answers.slice(0, 2));
    await turn();
    waiting[2]?.();
    expect(await answers[2]).toEqual([vectorOf('c 3')]);
  });

  test('does not let many wait for one long text', async () => {
    const { scripted, embedder } = createGatherer();
    const long = 'x'.repeat(3000);
    await Promise.all(['a 1', 'b 2', long, 'c 3'].map((text) => embedder.embed([text], query)));
    expect(asked(scripted)).toEqual([2, 1, 1]);
  });

  test('takes a long query in turn with the others, a piece at a time', async () => {
    const { scripted, embedder, waiting } = createSlowGatherer();
    const passages = Array.from({ length: 20 }, (_, n) => `${'x'.repeat(500)} ${n}`);
    const long = embedder.embed(passages, query);
    await turn();
    const short = embedder.embed(['short 1'], query);
    for (let call = 0; call < 2; call += 1) {
      await turn();
      waiting[call]?.();
      await turn();
    }
    expect(await short).toEqual([vectorOf('short 1')]);
    for (const { texts } of nonEmpty(scripted.calls)) expect(tokensOf(texts)).toBeLessThanOrEqual(768);
    for (let call = 2; call < 20; call += 1) {
      waiting[call]?.();
      await turn();
      await turn();
    }
    expect(await long).toEqual(passages.map(vectorOf));
  });

  test('lets go who aborts, and computes on for the others', async () => {
    const { scripted, embedder, waiting } = createSlowGatherer();
    const [one, two] = [new AbortController(), new AbortController()];
    const answers = [one, two].map(({ signal }, n) => embedder.embed([`q ${n}`], { kind: 'query', signal }));
    await turn();
    const gone = new Error('gone');
    one.abort(gone);
    await expect(answers[0]).rejects.toBe(gone);
    expect(scripted.calls[0]?.options.signal?.aborted).toBe(false);
    waiting[0]?.();
    expect(await answers[1]).toEqual([vectorOf('q 1')]);
  });

  test('cancels the work when all have gone away, and takes out who waits', async () => {
    const { scripted, embedder, waiting } = createSlowGatherer();
    const [running, queued] = [new AbortController(), new AbortController()];
    const first = embedder.embed(['q 0'], { kind: 'query', signal: running.signal });
    await turn();
    const second = embedder.embed(['q 1'], { kind: 'query', signal: queued.signal });
    queued.abort(new Error('late'));
    running.abort(new Error('gone'));
    await expect(second).rejects.toThrow('late');
    await expect(first).rejects.toThrow('gone');
    expect(scripted.calls[0]?.options.signal?.aborted).toBe(true);
    waiting[0]?.();
    await turn();
    expect(asked(scripted)).toEqual([1]);
  });

  test('fails the caller whose text it is, and not those batched with it', async () => {
    const { scripted, embedder } = createGatherer();
    scripted.answer = async (texts) => {
      if (texts.includes('poison')) throw new AppError('embedding_rejected', 'NaN');
      return texts.map(vectorOf);
    };
    const [fine, poison] = await Promise.allSettled([
      embedder.embed(['fine 1'], query),
      embedder.embed(['poison'], query),
    ]);
    expect(fine).toEqual({ status: 'fulfilled', value: [vectorOf('fine 1')] });
    expect(poison).toMatchObject({ status: 'rejected', reason: { code: 'embedding_rejected' } });
  });

  test('passes passages on as they come', async () => {
    const { scripted, embedder } = createGatherer();
    await Promise.all(['a', 'b'].map((text) => embedder.embed([text], { kind: 'passage' })));
    expect(asked(scripted)).toEqual([1, 1]);
  });
});
