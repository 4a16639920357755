import { describe, expect, it } from 'vitest';
import { createEmbedder, type EmbedderConfig } from './create-embedder.ts';

describe('createEmbedder', () => {
  it.each<[EmbedderConfig, object]>([
    [
      { provider: 'bundled', cacheDir: '/nowhere' },
      { modelId: 'bundled/use-lite-en-int8@1', dimension: 512, maxTokens: 128 },
    ],
    [{ provider: 'transformers' }, { modelId: 'Xenova/all-MiniLM-L6-v2', dimension: 384, maxTokens: 256 }],
    [
      { provider: 'openai', baseUrl: 'http://127.0.0.1:9/v1', modelId: 'm', dimension: 3, maxTokens: 8 },
      { modelId: 'm', dimension: 3, maxTokens: 8 },
    ],
  ])('knows its model before anything is loaded: $provider', (config, identity) => {
    expect(createEmbedder(config)).toMatchObject(identity);
  });
});
