import { describe, expect, test } from 'vitest';
import { loadEnv } from '../config/load-config.ts';
import { embedderFromConfig } from './embedder-from-config.ts';
import { embeddingEnv, toEmbeddingConfig } from './embedding-config.ts';
import { EmbeddingServer } from './testing/embedding-server.ts';

const server = { MEMORY_EMBEDDING_PROVIDER: 'openai', MEMORY_EMBEDDING_BASE_URL: 'http://127.0.0.1:9/v1' };
const local = { MEMORY_EMBEDDING_PROVIDER: 'transformers' };

function create(env: Readonly<Record<string, string>>, onWarning?: (message: string) => void) {
  const config = toEmbeddingConfig(loadEnv(embeddingEnv, env));
  return embedderFromConfig(config, { cacheDir: '/nowhere', onWarning });
}

describe('embedderFromConfig', () => {
  test.each([
    [
      { MEMORY_EMBEDDING_PROVIDER: 'bundled' },
      { modelId: 'bundled/use-lite-en-int8@1', dimension: 512, maxTokens: 128 },
    ],
    [local, { modelId: 'Xenova/all-MiniLM-L6-v2', dimension: 384, maxTokens: 256 }],
    [
      {
        ...server,
        MEMORY_EMBEDDING_MODEL_NAME: 'm',
        MEMORY_EMBEDDING_DIMENSIONS: '3',
        MEMORY_EMBEDDING_MAX_TOKENS: '8',
      },
      { modelId: 'm', dimension: 3, maxTokens: 8 },
    ],
  ])('knows its model before anything is loaded: $MEMORY_EMBEDDING_PROVIDER', (env, identity) => {
    expect(create(env)).toMatchObject(identity);
  });

  test.each([
    [
      'prefixes and dimension',
      { ...local, MEMORY_EMBEDDING_MODEL_NAME: 'Xenova/multilingual-e5-base' },
      {
        modelId: 'Xenova/multilingual-e5-base [query "query: ", passage "passage: "]',
        dimension: 768,
        maxTokens: 256,
      },
    ],
    [
      'pooling',
      { ...local, MEMORY_EMBEDDING_MODEL_NAME: 'Alibaba-NLP/gte-multilingual-base' },
      { modelId: 'Alibaba-NLP/gte-multilingual-base [pooling cls]', dimension: 768, maxTokens: 256 },
    ],
    [
      'a window that is smaller than usual',
      { ...local, MEMORY_EMBEDDING_MODEL_NAME: 'Xenova/paraphrase-multilingual-MiniLM-L12-v2' },
      { modelId: 'Xenova/paraphrase-multilingual-MiniLM-L12-v2', dimension: 384, maxTokens: 128 },
    ],
    [
      'dimension of a served model, whose server pools',
      { ...server, MEMORY_EMBEDDING_MODEL_NAME: 'mxbai-embed-large' },
      {
        modelId: 'mxbai-embed-large [query "Represent this sentence for searching relevant passages: "]',
        dimension: 1024,
        maxTokens: 512,
      },
    ],
  ])('takes from a known model its %s', (_, env, identity) => {
    expect(create(env)).toMatchObject(identity);
  });

  test('lets variables override what is known, empty prefixes too', () => {
    const known = { ...local, MEMORY_EMBEDDING_MODEL_NAME: 'Xenova/bge-small-en-v1.5' };
    const none = { ...known, MEMORY_EMBEDDING_QUERY_PREFIX: '', MEMORY_EMBEDDING_POOLING: 'mean' };
    expect(create(none).modelId).toBe('Xenova/bge-small-en-v1.5');
    const other = { ...none, MEMORY_EMBEDDING_PASSAGE_PREFIX: 'text: ', MEMORY_EMBEDDING_DIMENSIONS: '128' };
    expect(create(other)).toMatchObject({ modelId: 'Xenova/bge-small-en-v1.5 [passage "text: "]', dimension: 128 });
  });

  test.each([
    ['QUERY_PREFIX', { MEMORY_EMBEDDING_QUERY_PREFIX: 'query: ' }, 'is not for the bundled model'],
    ['PASSAGE_PREFIX', { MEMORY_EMBEDDING_PASSAGE_PREFIX: ' ' }, 'is not for the bundled model'],
    ['POOLING', { MEMORY_EMBEDDING_POOLING: 'cls' }, 'is not for the bundled model'],
    ['POOLING', { ...server, MEMORY_EMBEDDING_POOLING: 'cls' }, 'a server pools'],
    ['DIMENSIONS', { ...server, MEMORY_EMBEDDING_MODEL_NAME: 'm' }, 'is needed'],
    ['DIMENSIONS', { ...server, MEMORY_EMBEDDING_MODEL_NAME: 'Qwen/Qwen3-Embedding-8B' }, 'is needed'],
    [
      'MODEL_NAME',
      { ...local, MEMORY_EMBEDDING_MODEL_NAME: 'onnx-community/Qwen3-Embedding-0.6B-ONNX' },
      'does not run in this process: have a model server embed with it',
    ],
    [
      'QUERY_PREFIX',
      { ...local, MEMORY_EMBEDDING_MAX_TOKENS: '8', MEMORY_EMBEDDING_QUERY_PREFIX: 'Search for this: ' },
      'may take half of the 8 tokens',
    ],
  ])('refuses what cannot be done, and names MEMORY_EMBEDDING_%s', (name, env, reason) => {
    expect(() => create(env)).toThrow(`MEMORY_EMBEDDING_${name}: `);
    expect(() => create(env)).toThrow(reason);
  });

  test('accepts an empty prefix for the bundled model, which has none', () => {
    expect(create({ MEMORY_EMBEDDING_QUERY_PREFIX: '' }).modelId).toBe('bundled/use-lite-en-int8@1');
  });

  test('warns of a window that the model does not have, and of a cut that it was not trained for', () => {
    const warnings: string[] = [];
    const long = { MEMORY_EMBEDDING_MODEL_NAME: 'bge-small-en-v1.5', MEMORY_EMBEDDING_MAX_TOKENS: '8192' };
    create({ ...server, ...long, MEMORY_EMBEDDING_DIMENSIONS: '128' }, (message) => warnings.push(message));
    // What a model has that runs here is seen when it is started.
    create({ ...local, ...long, MEMORY_EMBEDDING_DIMENSIONS: '128' }, (message) => warnings.push(message));
    const window = 'MEMORY_EMBEDDING_MAX_TOKENS: bge-small-en-v1.5 sees 512 tokens of a text, not 8192; ';
    expect(warnings).toEqual([
      expect.stringContaining(window),
      expect.stringContaining('MEMORY_EMBEDDING_DIMENSIONS: vectors of 384 dimensions are cut to 128'),
      expect.stringContaining(window),
    ]);
  });

  test('asks OpenAI itself for shorter vectors, and no other server', async () => {
    const bodies: unknown[] = [];
    const answering = new EmbeddingServer((texts) => Promise.resolve(texts.map(() => new Float32Array(256).fill(1))));
    answering.handler = (body) => {
      bodies.push(body);
      return false;
    };
    const MEMORY_EMBEDDING_BASE_URL = await answering.start();
    for (const name of ['text-embedding-3-small', 'snowflake-arctic-embed2']) {
      const shorter = { MEMORY_EMBEDDING_MODEL_NAME: name, MEMORY_EMBEDDING_DIMENSIONS: '256' };
      const embedder = create({ ...server, MEMORY_EMBEDDING_BASE_URL, ...shorter });
      await embedder.start();
      expect(await embedder.embed(['one'], { kind: 'query' })).toHaveLength(1);
      await embedder.stop();
    }
    await answering.stop();
    const common = { encoding_format: 'float' };
    expect(bodies).toEqual([
      { ...common, model: 'text-embedding-3-small', input: ['one'], dimensions: 256 },
      { ...common, model: 'snowflake-arctic-embed2', input: ['query: one'] },
    ]);
  });
});
