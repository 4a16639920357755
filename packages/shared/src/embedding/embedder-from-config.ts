import { invalidConfiguration } from '../config/load-config.ts';
import { createBundledEmbedder } from './bundled/bundled-embedder.ts';
import type { PrepareProgress } from './bundled/prepare-bundled-model.ts';
import type { Embedder } from './embedder.ts';
import type { EmbeddingConfig } from './embedding-config.ts';
import type { KnownModel } from './known-models.ts';
import {
  assertBundledSettings,
  type ModelSettings,
  openAiSettings,
  required,
  settingsWarnings,
  transformersSettings,
} from './model-settings.ts';
import { OpenAiEmbedder } from './openai/openai-embedder.ts';
import { createTransformersEmbedder } from './transformers/transformers-embedder.ts';
import { truncationWarning } from './vector-space.ts';

export interface EmbedderDeps {
  /** Where converted and downloaded models are kept. */
  readonly cacheDir: string;
  /** Whether queries get a thread of their own. Default: true. False for a process that embeds passages alone. */
  readonly queryThread?: boolean;
  readonly onProgress?: (progress: PrepareProgress) => void;
  /** Told of settings that work, but not as well as they could. */
  readonly onWarning?: ((message: string) => void) | undefined;
}

/**
 * The embedder that the variables name; not started. Nothing is loaded or asked before `start`.
 *
 * @throws ConfigError when the provider needs a variable that is not set, or cannot do what one says.
 */
export function embedderFromConfig(config: EmbeddingConfig, deps: EmbedderDeps): Embedder {
  const { queryThread, onWarning, ...prepare } = deps;
  const pool = defined({ threads: config.threads, niceness: config.niceness, queryThread });
  switch (config.provider) {
    case 'bundled':
      assertBundledSettings(config);
      return createBundledEmbedder({ ...prepare, ...pool });
    case 'transformers': {
      const { known: _, ...model } = warning(transformersSettings(config), onWarning);
      return namingProvider(
        createTransformersEmbedder({
          cacheDir: prepare.cacheDir,
          allowRemote: config.allowDownload,
          ...pool,
          ...model,
          onWarning,
          ...defined({ modelPath: config.modelPath }),
        }),
      );
    }
    case 'openai': {
      const { known, ...model } = warning(openAiSettings(config), onWarning);
      const cut = known && cutOf(known, model);
      if (cut?.warning !== undefined) onWarning?.(cut.warning);
      return new OpenAiEmbedder({
        baseUrl: required(config.baseUrl, 'MEMORY_EMBEDDING_BASE_URL'),
        ...model,
        ...(cut && { ownDimension: cut.own, sendDimension: known.sendDimension === true }),
        timeoutMs: config.passageTimeoutMs,
        ...defined({ apiKey: config.apiKey }),
      });
    }
  }
}

/** The cut that makes a served model's vectors as short as is asked for; undefined when they are. */
function cutOf(known: KnownModel, { modelName, dimension, truncation = {} }: Omit<ModelSettings, 'known'>) {
  const own = known.dimension;
  if (dimension >= own) return undefined;
  return { own, warning: truncationWarning(modelName, { own, dimension, truncation }) };
}

function warning<T extends ModelSettings>(settings: T, onWarning: EmbedderDeps['onWarning']): T {
  for (const message of settingsWarnings(settings)) onWarning?.(message);
  return settings;
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

/** Only what is set: an option that is present but undefined would hide a default. */
function defined<T extends object>(options: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  // The filter above is what the type says; Object.fromEntries cannot know.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return Object.fromEntries(entries) as { [K in keyof T]?: NonNullable<T[K]> };
}
