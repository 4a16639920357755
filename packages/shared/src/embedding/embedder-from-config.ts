import { invalidConfiguration } from '../config/load-config.ts';
import { createBundledEmbedder } from './bundled/bundled-embedder.ts';
import type { PrepareProgress } from './bundled/prepare-bundled-model.ts';
import type { Embedder } from './embedder.ts';
import type { EmbeddingConfig } from './embedding-config.ts';
import { OpenAiEmbedder } from './openai/openai-embedder.ts';
import { createTransformersEmbedder } from './transformers/transformers-embedder.ts';

export interface EmbedderDeps {
  /** Where converted and downloaded models are kept. */
  readonly cacheDir: string;
  /** Whether queries get a thread of their own. Default: true. False for a process that embeds passages alone. */
  readonly queryThread?: boolean;
  readonly onProgress?: (progress: PrepareProgress) => void;
}

/**
 * The embedder that the variables name; not started. Nothing is loaded or asked before `start`.
 *
 * @throws ConfigError when the provider needs a variable that is not set.
 */
export function embedderFromConfig(config: EmbeddingConfig, deps: EmbedderDeps): Embedder {
  const { queryThread, ...prepare } = deps;
  const pool = defined({ threads: config.threads, niceness: config.niceness, queryThread });
  const model = defined({ modelName: config.modelName, dimension: config.dimension, maxTokens: config.maxTokens });
  switch (config.provider) {
    case 'bundled':
      return createBundledEmbedder({ ...prepare, ...pool });
    case 'transformers':
      return namingProvider(
        createTransformersEmbedder({
          cacheDir: prepare.cacheDir,
          allowRemote: config.allowDownload,
          ...pool,
          ...model,
          ...defined({ modelPath: config.modelPath }),
        }),
      );
    case 'openai':
      return new OpenAiEmbedder({
        baseUrl: required(config.baseUrl, 'MEMORY_EMBEDDING_BASE_URL'),
        modelName: required(config.modelName, 'MEMORY_EMBEDDING_MODEL_NAME'),
        dimension: required(config.dimension, 'MEMORY_EMBEDDING_DIMENSIONS'),
        maxTokens: config.maxTokens ?? defaultMaxTokens,
        timeoutMs: config.passageTimeoutMs,
        ...defined({ apiKey: config.apiKey }),
      });
  }
}

/** The embedder, whose start fails with what to change: a model that cannot be had now will not be had by waiting. */
function namingProvider(embedder: Embedder): Embedder {
  const { modelId, dimension, maxTokens } = embedder;
  return {
    modelId,
    dimension,
    maxTokens,
    async start() {
      try {
        await embedder.start();
      } catch (cause) {
        const reason = (cause instanceof Error ? cause.message : String(cause)).replaceAll(/\s+/g, ' ');
        const advice = 'MEMORY_EMBEDDING_PROVIDER=bundled needs no download.';
        throw invalidConfiguration([`MEMORY_EMBEDDING_PROVIDER: ${reason} ${advice}`], { cause });
      }
    },
    stop: () => embedder.stop(),
    embed: (texts, options) => embedder.embed(texts, options),
    split: (text, options) => embedder.split(text, options),
  };
}

// What the smaller of today's served models take.
const defaultMaxTokens = 512;

function required<T>(value: T | undefined, name: string): T {
  if (value !== undefined) return value;
  throw invalidConfiguration([`${name}: is needed for MEMORY_EMBEDDING_PROVIDER=openai`]);
}

/** Only what is set: an option that is present but undefined would hide a default. */
function defined<T extends object>(options: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  // The filter above is what the type says; Object.fromEntries cannot know.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return Object.fromEntries(entries) as { [K in keyof T]?: NonNullable<T[K]> };
}
