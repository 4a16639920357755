import { type BundledEmbedderOptions, createBundledEmbedder } from './bundled/bundled-embedder.ts';
import type { Embedder } from './embedder.ts';
import { createOpenAiEmbedder, type OpenAiEmbedderOptions } from './openai/openai-embedder.ts';
import { createTransformersEmbedder, type TransformersEmbedderOptions } from './transformers/transformers-embedder.ts';

/** Which model to embed with, and how to reach it. */
export type EmbedderConfig =
  | ({ readonly provider: 'bundled' } & BundledEmbedderOptions)
  | ({ readonly provider: 'transformers' } & TransformersEmbedderOptions)
  | ({ readonly provider: 'openai' } & OpenAiEmbedderOptions);

/** The embedder that a configuration names; not started. Nothing is loaded or asked before `start`. */
export function createEmbedder(config: EmbedderConfig): Embedder {
  switch (config.provider) {
    case 'bundled':
      return createBundledEmbedder(config);
    case 'transformers':
      return createTransformersEmbedder(config);
    case 'openai':
      return createOpenAiEmbedder(config);
  }
}
