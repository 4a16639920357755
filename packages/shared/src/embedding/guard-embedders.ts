import type { Metrics } from '../observability/metrics.ts';
import type { Embedder } from './embedder.ts';
import type { EmbeddingConfig } from './embedding-config.ts';
import { CircuitBrokenEmbedder, type GuardedEmbedder } from './guarded-embedder.ts';
import { QueryBatcher } from './query-batcher.ts';

export interface GuardedEmbedders {
  readonly query: GuardedEmbedder;
  readonly passage: GuardedEmbedder;
}

const stateValue = { closed: 0, half_open: 1, open: 2 } as const;

// One thread computes queries; a call to a server is mostly waiting.
const callsAtOnce = { bundled: 1, transformers: 1, openai: 4 } as const;

/**
 * One embedder behind two breakers: trouble with bulk work must not stop queries, nor the other way round. Queries of
 * concurrent callers are batched behind theirs, so that each caller's timeout counts from its own beginning.
 */
export function guardEmbedders(
  embedder: Embedder,
  config: Pick<EmbeddingConfig, 'provider' | 'breaker' | 'passageTimeoutMs' | 'queryTimeoutMs'>,
  metrics: Pick<Metrics, 'breakerState'>,
): GuardedEmbedders {
  const guard = (name: 'query' | 'passage', guarded: Embedder, timeoutMs: number) => {
    metrics.breakerState.set({ breaker: name }, stateValue.closed);
    return new CircuitBrokenEmbedder(guarded, {
      name,
      timeoutMs,
      ...config.breaker,
      onStateChange: (state) => metrics.breakerState.set({ breaker: name }, stateValue[state]),
    });
  };
  const queries = new QueryBatcher(embedder, { callsAtOnce: callsAtOnce[config.provider] });
  return {
    query: guard('query', queries, config.queryTimeoutMs),
    passage: guard('passage', embedder, config.passageTimeoutMs),
  };
}
