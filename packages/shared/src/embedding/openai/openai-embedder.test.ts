import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { createBundledEmbedder } from '../bundled/bundled-embedder.ts';
import type { Embedder } from '../embedder.ts';
import { describeEmbedder } from '../testing/embedder.contract.ts';
import { EmbeddingServer, type Handler, sendJson } from '../testing/embedding-server.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { nonEmpty } from '../../testing/non-empty.ts';
import { estimateTokens } from '../token-estimate.ts';
import { dot } from '../vector.ts';
import { truncate } from '../vector-space.ts';
import { OpenAiEmbedder, type OpenAiEmbedderOptions } from './openai-embedder.ts';

// Models are loaded here, which takes seconds on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const bundled = createBundledEmbedder({ cacheDir: temporaryFolder(), threads: 1 });
const server = new EmbeddingServer((texts) => bundled.embed(texts, { kind: 'passage' }));
await bundled.start();
const baseUrl = await server.start();

afterAll(async () => {
  await server.stop();
  await bundled.stop();
});

const apiKey = 'sk-very-secret';

function create(options: Partial<OpenAiEmbedderOptions> = {}): Embedder {
  return new OpenAiEmbedder({ baseUrl, apiKey, modelName: 'some-model', dimension: 512, maxTokens: 120, ...options });
}

const prefixes = { query: 'question: ', passage: 'answer: ' };

describeEmbedder('openai', create);
describeEmbedder('openai with prefixes, cut', () => create({ prefixes, dimension: 256, ownDimension: 512 }));

describe('OpenAI-compatible server', () => {
  let embedder: Embedder;
  const embed = (...texts: string[]) => embedder.embed(texts, { kind: 'passage' });

  beforeAll(async () => {
    embedder = create({ batchSize: 2, timeoutMs: 400 });
    await embedder.start();
  });

  beforeEach(() => {
    server.handler = () => false;
    server.requests.length = 0;
  });

  test('asks in batches, with the model, the format and the key', async () => {
    expect(await embed('one', 'two', 'three')).toHaveLength(3);
    expect(server.requests).toEqual([
      {
        body: { model: 'some-model', input: ['one', 'two'], encoding_format: 'float' },
        authorization: `Bearer ${apiKey}`,
      },
      { body: { model: 'some-model', input: ['three'], encoding_format: 'float' }, authorization: `Bearer ${apiKey}` },
    ]);
  });

  test('puts the prefix of its kind before each text, within the window, and into the name of the vectors', async () => {
    const prefixed = create({ prefixes, maxTokens: 20 });
    expect(prefixed.modelId).toBe('some-model [query "question: ", passage "answer: "]');
    await prefixed.start();
    await prefixed.embed(['one', 'two'], { kind: 'query' });
    await prefixed.embed(['three'], { kind: 'passage' });
    expect(server.requests.map(({ body }) => body.input)).toEqual([
      ['question: one', 'question: two'],
      ['answer: three'],
    ]);
    const long = 'We walked along the coast and slept in a tent. '.repeat(10);
    for (const kind of ['query', 'passage'] as const) {
      const passages = nonEmpty(await prefixed.split(long, { kind }));
      const behind = passages.map((text) => estimateTokens(`${prefixes[kind]}${text}`));
      expect(Math.max(...behind)).toBeLessThanOrEqual(20);
    }
    await prefixed.stop();
  });

  test('cuts vectors of the length that is known to be longer, and asks only a server that can for fewer', async () => {
    const [whole = new Float32Array()] = await embed('a cat');
    for (const sendDimension of [false, true]) {
      const cut = create({ dimension: 128, ownDimension: 512, sendDimension });
      await cut.start();
      const [short = new Float32Array()] = await cut.embed(['a cat'], { kind: 'passage' });
      expect(short).toHaveLength(128);
      expect(dot(short, truncate(whole, 128))).toBeCloseTo(1, 5);
      await cut.stop();
    }
    expect(server.requests.map(({ body }) => body.dimensions)).toEqual([undefined, undefined, 128]);
  });

  test('refuses vectors that are longer than wanted and not of that length: they are another model', async () => {
    for (const ownDimension of [undefined, 1024]) {
      const other = create({ dimension: 128, ownDimension });
      await other.start();
      const refused = other.embed(['a cat'], { kind: 'passage' });
      await expect(refused).rejects.toThrow('has 512 dimensions, not 128');
      await other.stop();
    }
  });

  test('bounds a request by estimated tokens as well, and hands out what each one gave', async () => {
    const bounded = create({ batchTokens: 100 });
    await bounded.start();
    const parts: number[][] = [];
    const texts = ['x'.repeat(90), 'y'.repeat(150), 'z'.repeat(180), 'o'.repeat(600), 'one'];
    const onPart = (from: number, vectors: readonly Float32Array[]) => parts.push([from, vectors.length]);
    expect(await bounded.embed(texts, { kind: 'passage', onPart })).toHaveLength(5);
    expect(parts).toEqual([
      [0, 2],
      [2, 1],
      [3, 1],
      [4, 1],
    ]);
    await bounded.stop();
  });

  test('leaves the event loop to others between two parts of a long text', async () => {
    let turns = 0;
    let split = false;
    const count = (): void => {
      turns += 1;
      if (!split) setImmediate(count);
    };
    setImmediate(count);
    expect((await embedder.split('京都で抹茶を。'.repeat(14_000))).length).toBeGreaterThan(100);
    split = true;
    expect(turns).toBeGreaterThanOrEqual(11);
  });

  test('sends no key when there is none, and minds no slash after the base URL', async () => {
    const { apiKey: _, ...keyless } = { baseUrl: `${baseUrl}/`, modelName: 'm', dimension: 512, maxTokens: 99, apiKey };
    const open = new OpenAiEmbedder(keyless);
    await open.start();
    await open.embed(['one'], { kind: 'query' });
    expect(server.requests[0]?.authorization).toBeUndefined();
  });

  const answer =
    (data: unknown): Handler =>
    (_, response) =>
      sendJson(response, 200, data);
  const vector = (value: number | null, length = 512) => Array.from({ length }, () => value);

  test.each([
    ['too few vectors', { data: [{ index: 0, embedding: vector(1) }] }, '1 vectors for 2 texts'],
    ['an index twice', { data: [0, 0].map((index) => ({ index, embedding: vector(1) })) }, 'each index once'],
    [
      'another dimension',
      { data: [0, 1].map((index) => ({ index, embedding: vector(1, 3) })) },
      '3 dimensions, not 512',
    ],
    ['null components', { data: [0, 1].map((index) => ({ index, embedding: vector(null) })) }, 'malformed at "data.0'],
    ['zero vectors', { data: [0, 1].map((index) => ({ index, embedding: vector(0) })) }, 'is zero'],
    ['another shape', { embeddings: [] }, 'malformed'],
  ])('rejects an answer with %s', async (_, data, problem) => {
    server.handler = answer(data);
    const refused = embed('one', 'two');
    await expect(refused).rejects.toMatchObject({ code: 'embedding_rejected' });
    await expect(refused).rejects.toThrow(problem);
  });

  test('rejects an answer that is not JSON', async () => {
    server.handler = (_, response) => {
      response.end('<html>welcome</html>');
      return true;
    };
    await expect(embed('one')).rejects.toMatchObject({ code: 'embedding_rejected' });
  });

  test.each([
    [400, 'embedding_rejected'],
    [413, 'embedding_rejected'],
    [422, 'embedding_rejected'],
    [401, 'embedding_unavailable'],
    [404, 'embedding_unavailable'],
    [429, 'embedding_unavailable'],
    [500, 'embedding_unavailable'],
    [503, 'embedding_unavailable'],
  ])('takes a %i as %s, and quotes neither key nor text', async (status, code) => {
    const error = { message: `Incorrect key ${apiKey} for "my text"`, type: 'invalid_request_error', code: apiKey };
    server.handler = (_, response) => sendJson(response, status, { error }, { 'retry-after': '7' });
    const failure = await embed('my text').catch((error_: unknown) => error_);
    expect(failure).toMatchObject({
      code,
      message: `The embedding server answered ${status} (invalid_request_error).`,
      retryAfterSeconds: code === 'embedding_unavailable' ? 7 : undefined,
    });
  });

  test('is unavailable when the server is too slow or gone, and says which', async () => {
    server.handler = () => true;
    await expect(embed('one')).rejects.toMatchObject({
      code: 'embedding_unavailable',
      message: 'The embedding server did not answer within 400 ms.',
    });
    server.handler = (_, response) => {
      response.destroy();
      return true;
    };
    await expect(embed('one')).rejects.toMatchObject({ code: 'embedding_unavailable' });
    const nowhere = create({ baseUrl: 'http://127.0.0.1:9/v1' });
    await nowhere.start();
    await expect(nowhere.embed(['one'], { kind: 'query' })).rejects.toThrow('cannot be reached');
  });

  test('closes the request when the caller aborts', async () => {
    const abort = new AbortController();
    const closed = new Promise<void>((resolve) => {
      server.handler = (_, response) => {
        response.once('close', resolve);
        abort.abort(new Error('no longer wanted'));
        return true;
      };
    });
    await expect(embedder.embed(['one'], { kind: 'query', signal: abort.signal })).rejects.toThrow('no longer wanted');
    await closed;
  });

  test('follows no redirect', async () => {
    server.handler = (_, response) => {
      response.writeHead(307, { location: 'http://127.0.0.1:9/elsewhere' }).end();
      return true;
    };
    await expect(embed('one')).rejects.toMatchObject({ code: 'embedding_unavailable' });
  });
});
