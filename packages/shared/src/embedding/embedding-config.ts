import { z } from 'zod';
import { flag, integer, literalText } from '../config/env-fields.ts';
import { deepFreeze } from '../config/load-config.ts';

/** The variables of whatever embeds: api (queries) and embed worker (passages). */
export const embeddingEnv = {
  MEMORY_EMBEDDING_PROVIDER: z.enum(['bundled', 'transformers', 'openai']).default('bundled'),
  MEMORY_EMBEDDING_MODEL_NAME: z.string().max(200).optional(),
  MEMORY_EMBEDDING_MODEL_PATH: z.string().optional(),
  MEMORY_EMBEDDING_ALLOW_DOWNLOAD: flag.default(true),
  MEMORY_EMBEDDING_DIMENSIONS: integer(1, 4000).optional(),
  MEMORY_EMBEDDING_MAX_TOKENS: integer(8, 131_072).optional(),
  MEMORY_EMBEDDING_QUERY_PREFIX: literalText(500),
  MEMORY_EMBEDDING_PASSAGE_PREFIX: literalText(500),
  MEMORY_EMBEDDING_POOLING: z.enum(['mean', 'cls']).optional(),
  MEMORY_EMBEDDING_BASE_URL: z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).optional(),
  MEMORY_EMBEDDING_API_KEY: z.string().optional(),
  MEMORY_EMBEDDING_THREADS: integer(1, 256).optional(),
  MEMORY_EMBEDDING_NICE: integer(0, 19).default(15),
  MEMORY_EMBEDDING_TIMEOUT_MS: integer(10, 600_000).default(30_000),
  MEMORY_SEARCH_EMBEDDING_TIMEOUT_MS: integer(10, 60_000).default(2000),
  MEMORY_CIRCUIT_FAILURE_THRESHOLD: integer(1, 1000).default(5),
  MEMORY_CIRCUIT_RECOVERY_MS: integer(10, 3_600_000).default(30_000),
};

export type EmbeddingConfig = ReturnType<typeof toEmbeddingConfig>;

export function toEmbeddingConfig(env: z.output<z.ZodObject<typeof embeddingEnv>>) {
  return deepFreeze({
    provider: env.MEMORY_EMBEDDING_PROVIDER,
    modelName: env.MEMORY_EMBEDDING_MODEL_NAME,
    modelPath: env.MEMORY_EMBEDDING_MODEL_PATH,
    allowDownload: env.MEMORY_EMBEDDING_ALLOW_DOWNLOAD,
    dimension: env.MEMORY_EMBEDDING_DIMENSIONS,
    maxTokens: env.MEMORY_EMBEDDING_MAX_TOKENS,
    /** Empty: none. Undefined: those of the model, where it is known. */
    queryPrefix: env.MEMORY_EMBEDDING_QUERY_PREFIX,
    passagePrefix: env.MEMORY_EMBEDDING_PASSAGE_PREFIX,
    pooling: env.MEMORY_EMBEDDING_POOLING,
    baseUrl: env.MEMORY_EMBEDDING_BASE_URL,
    apiKey: env.MEMORY_EMBEDDING_API_KEY,
    /** Worker threads for passages; by default one per core. Queries have one more of their own. */
    threads: env.MEMORY_EMBEDDING_THREADS,
    /** Niceness of those threads, on Linux: 0 none, 19 only what nobody else wants. */
    niceness: env.MEMORY_EMBEDDING_NICE,
    passageTimeoutMs: env.MEMORY_EMBEDDING_TIMEOUT_MS,
    queryTimeoutMs: env.MEMORY_SEARCH_EMBEDDING_TIMEOUT_MS,
    breaker: { failureThreshold: env.MEMORY_CIRCUIT_FAILURE_THRESHOLD, resetTimeoutMs: env.MEMORY_CIRCUIT_RECOVERY_MS },
  });
}
