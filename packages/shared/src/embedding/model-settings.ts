import { invalidConfiguration } from '../config/load-config.ts';
import type { EmbeddingConfig } from './embedding-config.ts';
import { type KnownModel, knownModel } from './known-models.ts';
import { estimateTokens } from './token-estimate.ts';
import { defaultTransformersModel } from './transformers/transformers-embedder.ts';
import type { Pooling, Prefixes, Truncation } from './vector-space.ts';

/** How a model is used: what the variables say, else what is known of it, else what suits most models. */
export interface ModelSettings {
  readonly modelName: string;
  readonly dimension: number;
  readonly maxTokens: number;
  readonly prefixes: Prefixes;
  /** Only where a dimension is asked for: else vectors of another length are a mistake in the model's name or path. */
  readonly truncation?: Truncation;
  readonly known: KnownModel | undefined;
}

/**
 * For the bundled model these variables would do nothing, and vectors would not be what they seem to be.
 *
 * @throws ConfigError when one of them is set.
 */
export function assertBundledSettings({ queryPrefix = '', passagePrefix = '', pooling }: EmbeddingConfig): void {
  const set = [
    ...(queryPrefix === '' ? [] : ['MEMORY_EMBEDDING_QUERY_PREFIX']),
    ...(passagePrefix === '' ? [] : ['MEMORY_EMBEDDING_PASSAGE_PREFIX']),
    ...(pooling === undefined ? [] : ['MEMORY_EMBEDDING_POOLING']),
  ];
  if (set.length === 0) return;
  throw invalidConfiguration(set.map((name) => `${name}: is not for the bundled model, which was trained without it`));
}

/** @throws ConfigError when prefixes take more than half of the model's window. */
export function transformersSettings(config: EmbeddingConfig): ModelSettings & { readonly pooling: Pooling } {
  const modelName = config.modelName ?? defaultTransformersModel;
  const known = knownModel(modelName);
  const settings = settingsOf(config, { modelName, known, dimension: known?.dimension ?? 384, usualTokens: 256 });
  return { ...settings, pooling: poolingOf(config, modelName, known) };
}

/** @throws ConfigError when a variable is missing, or prefixes take more than half of the model's window. */
export function openAiSettings(config: EmbeddingConfig): ModelSettings {
  if (config.pooling !== undefined) {
    throw invalidConfiguration([
      'MEMORY_EMBEDDING_POOLING: is for MEMORY_EMBEDDING_PROVIDER=transformers: a server pools',
    ]);
  }
  const modelName = required(config.modelName, 'MEMORY_EMBEDDING_MODEL_NAME');
  const known = knownModel(modelName);
  const own = known === undefined || known.dimension > mostDimensions ? undefined : known.dimension;
  const dimension = config.dimension ?? required(own, 'MEMORY_EMBEDDING_DIMENSIONS');
  // What the smaller of today's served models take.
  return settingsOf(config, { modelName, known, dimension, usualTokens: 512 });
}

/** The database holds no longer vectors. */
const mostDimensions = 4000;

export function required<T>(value: T | undefined, name: string): T {
  if (value !== undefined) return value;
  throw invalidConfiguration([`${name}: is needed for MEMORY_EMBEDDING_PROVIDER=openai`]);
}

interface Defaults {
  readonly modelName: string;
  readonly known: KnownModel | undefined;
  readonly dimension: number;
  /** Window of a model that is not known; one that is known and sees less has its own. */
  readonly usualTokens: number;
}

function settingsOf(config: EmbeddingConfig, { modelName, known, dimension, usualTokens }: Defaults): ModelSettings {
  const maxTokens = config.maxTokens ?? Math.min(usualTokens, known?.maxTokens ?? usualTokens);
  const prefixes = {
    query: config.queryPrefix ?? known?.prefixes.query ?? '',
    passage: config.passagePrefix ?? known?.prefixes.passage ?? '',
  };
  const problems = [
    ...prefixProblem('MEMORY_EMBEDDING_QUERY_PREFIX', prefixes.query, maxTokens),
    ...prefixProblem('MEMORY_EMBEDDING_PASSAGE_PREFIX', prefixes.passage, maxTokens),
  ];
  if (problems.length > 0) throw invalidConfiguration(problems);
  return {
    modelName,
    dimension: config.dimension ?? dimension,
    maxTokens,
    prefixes,
    ...(config.dimension !== undefined && { truncation: known?.truncation ?? {} }),
    known,
  };
}

/** A prefix is read with every passage: one that fills the window would leave none of the text. */
function prefixProblem(variable: string, prefix: string, maxTokens: number): string[] {
  if (estimateTokens(prefix) * 2 <= maxTokens) return [];
  return [`${variable}: may take half of the ${maxTokens} tokens that the model sees (MEMORY_EMBEDDING_MAX_TOKENS)`];
}

function poolingOf(config: EmbeddingConfig, modelName: string, known: KnownModel | undefined): Pooling {
  const pooling = config.pooling ?? known?.pooling ?? 'mean';
  if (pooling === 'mean' || pooling === 'cls') return pooling;
  throw invalidConfiguration([
    `MEMORY_EMBEDDING_MODEL_NAME: ${modelName} does not run in this process: ` +
      'have a model server embed with it, and set MEMORY_EMBEDDING_PROVIDER=openai',
  ]);
}

/** What to say at the start of settings that work, but not as well as they could. */
export function settingsWarnings({ modelName, maxTokens, known }: ModelSettings): string[] {
  if (known === undefined || maxTokens <= known.maxTokens) return [];
  const seen = `${modelName} sees ${known.maxTokens} tokens of a text, not ${maxTokens}`;
  return [`MEMORY_EMBEDDING_MAX_TOKENS: ${seen}; the rest is not embedded`];
}
