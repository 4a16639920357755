import { describe, expect, test } from 'vitest';
import { loadEnv } from '../config/load-config.ts';
import { embedderFromConfig } from './embedder-from-config.ts';
import { embeddingEnv, toEmbeddingConfig } from './embedding-config.ts';

describe('embedderFromConfig', () => {
  test.each([
    [
      { MEMORY_EMBEDDING_PROVIDER: 'bundled' },
      { modelId: 'bundled/use-lite-en-int8@1', dimension: 512, maxTokens: 128 },
    ],
    [
      { MEMORY_EMBEDDING_PROVIDER: 'transformers' },
      { modelId: 'Xenova/all-MiniLM-L6-v2', dimension: 384, maxTokens: 256 },
    ],
    [
      {
        MEMORY_EMBEDDING_PROVIDER: 'openai',
        MEMORY_EMBEDDING_BASE_URL: 'http://127.0.0.1:9/v1',
        MEMORY_EMBEDDING_MODEL_NAME: 'm',
        MEMORY_EMBEDDING_DIMENSIONS: '3',
        MEMORY_EMBEDDING_MAX_TOKENS: '8',
      },
      { modelId: 'm', dimension: 3, maxTokens: 8 },
    ],
  ])('knows its model before anything is loaded: $MEMORY_EMBEDDING_PROVIDER', (env, identity) => {
    const config = toEmbeddingConfig(loadEnv(embeddingEnv, env));
    expect(embedderFromConfig(config, { cacheDir: '/nowhere' })).toMatchObject(identity);
  });
});
