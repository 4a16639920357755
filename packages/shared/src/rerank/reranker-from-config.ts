import { invalidConfiguration } from '../config/load-config.ts';
import type { EmbeddingConfig } from '../embedding/embedding-config.ts';
import type { Metrics } from '../observability/metrics.ts';
import { createCrossEncoder } from './cross-encoder/cross-encoder.ts';
import { createRerankEndpoint } from './endpoint/rerank-endpoint.ts';
import { createGuardedReranker } from './guarded-reranker.ts';
import type { RerankConfig } from './rerank-config.ts';
import type { Reranker } from './reranker.ts';

export interface RerankSurroundings {
  /** Where downloaded models are kept. */
  readonly cacheDir: string;
  /** The embedder's settings that hold for this model as well. */
  readonly embedding: Pick<EmbeddingConfig, 'allowDownload' | 'breaker'>;
  readonly metrics: Pick<Metrics, 'breakerState'>;
}

const breaker = 'rerank';
const stateValue = { closed: 0, half_open: 1, open: 2 } as const;

/**
 * The reranker that the variables name, behind a timeout and a circuit breaker; undefined when they name none. Not
 * started.
 *
 * @throws ConfigError when the provider needs a variable that is not set.
 */
export function rerankerFromConfig(config: RerankConfig, around: RerankSurroundings): Reranker | undefined {
  const reranker = unguarded(config, around);
  if (reranker === undefined) return undefined;
  const { breakerState } = around.metrics;
  breakerState.set({ breaker }, stateValue.closed);
  return createGuardedReranker(reranker, {
    timeoutMs: config.timeoutMs,
    ...around.embedding.breaker,
    onStateChange: (state) => breakerState.set({ breaker }, stateValue[state]),
  });
}

function unguarded(config: RerankConfig, { cacheDir, embedding }: RerankSurroundings): Reranker | undefined {
  const { provider, url, apiKey, modelName, modelPath } = config;
  switch (provider) {
    case 'none':
      return undefined;
    case 'transformers':
      return createCrossEncoder({
        cacheDir,
        allowRemote: embedding.allowDownload,
        ...(modelName !== undefined && { modelId: modelName }),
        ...(modelPath !== undefined && { modelPath }),
      });
    case 'cohere':
    case 'tei': {
      if (url === undefined) {
        const problem = `MEMORY_RERANK_URL: is needed for MEMORY_RERANK_PROVIDER=${provider}`;
        throw invalidConfiguration([problem]);
      }
      return createRerankEndpoint({
        url,
        format: provider,
        ...(apiKey !== undefined && { apiKey }),
        ...(modelName !== undefined && { model: modelName }),
      });
    }
  }
}
