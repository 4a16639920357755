import type { Metrics } from '../observability/metrics.ts';
import type { Embedder } from './embedder.ts';
import type { EmbeddingConfig } from './embedding-config.ts';
import { createGuardedEmbedder, type GuardedEmbedder } from './guarded-embedder.ts';

export interface GuardedEmbedders {
  readonly query: GuardedEmbedder;
  readonly passage: GuardedEmbedder;
}

const stateValue = { closed: 0, half_open: 1, open: 2 } as const;

/** One embedder behind two breakers: trouble with bulk work must not stop queries, nor the other way round. */
export function guardEmbedders(
  embedder: Embedder,
  config: Pick<EmbeddingConfig, 'breaker' | 'passageTimeoutMs' | 'queryTimeoutMs'>,
  metrics: Pick<Metrics, 'breakerState'>,
): GuardedEmbedders {
  const guard = (name: 'query' | 'passage', timeoutMs: number) => {
    metrics.breakerState.set({ breaker: name }, stateValue.closed);
    return createGuardedEmbedder(embedder, {
      name,
      timeoutMs,
      ...config.breaker,
      onStateChange: (state) => metrics.breakerState.set({ breaker: name }, stateValue[state]),
    });
  };
  return { query: guard('query', config.queryTimeoutMs), passage: guard('passage', config.passageTimeoutMs) };
}
