import { z } from 'zod';
import { integer } from '@memory-layer/shared/config/env-fields';
import { deepFreeze } from '@memory-layer/shared/config/load-config';

/** The variables of the model that puts the best hits into their last order; off unless a provider is named. */
export const rerankEnv = {
  MEMORY_RERANK_PROVIDER: z.enum(['none', 'transformers', 'cohere', 'tei']).default('none'),
  MEMORY_RERANK_URL: z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).optional(),
  MEMORY_RERANK_API_KEY: z.string().optional(),
  MEMORY_RERANK_MODEL_NAME: z.string().max(200).optional(),
  MEMORY_RERANK_MODEL_PATH: z.string().optional(),
  MEMORY_RERANK_CANDIDATES: integer(2, 1000).default(50),
  MEMORY_RERANK_TIMEOUT_MS: integer(10, 60_000).default(2000),
};

export type RerankConfig = ReturnType<typeof toRerankConfig>;

export function toRerankConfig(env: z.output<z.ZodObject<typeof rerankEnv>>) {
  return deepFreeze({
    provider: env.MEMORY_RERANK_PROVIDER,
    url: env.MEMORY_RERANK_URL,
    apiKey: env.MEMORY_RERANK_API_KEY,
    modelName: env.MEMORY_RERANK_MODEL_NAME,
    modelPath: env.MEMORY_RERANK_MODEL_PATH,
    /** How many of the best hits are reordered. */
    candidates: env.MEMORY_RERANK_CANDIDATES,
    timeoutMs: env.MEMORY_RERANK_TIMEOUT_MS,
  });
}
