import { createSampler } from '@memory-layer/shared/observability/metrics-sampler';
import type { PendingCounts } from '@memory-layer/shared/observability/metrics-state';
import type { QueueCounts } from '@memory-layer/shared/queue/queue-port';

/** What there is to do, of all tenants. A part that cannot be read in time is undefined. */
export interface Backlog {
  readonly messages: PendingCounts | undefined;
  readonly embeddingJobs: QueueCounts | undefined;
  readonly retentionJobs: QueueCounts | undefined;
}

export interface BacklogSources {
  readonly messages: () => Promise<PendingCounts>;
  readonly embeddingJobs: () => Promise<QueueCounts>;
  readonly retentionJobs: () => Promise<QueueCounts>;
}

// Counting reads the whole outbox, so it is not done again for everybody who looks.
const sampling = { maxAgeMs: 2000, timeoutMs: 2000 };

/** @returns a function that never rejects, and never takes longer than a health check may. */
export function createBacklogReader(sources: BacklogSources): () => Promise<Backlog> {
  const readMessages = createSampler(sources.messages, sampling);
  const readEmbeddingJobs = createSampler(sources.embeddingJobs, sampling);
  const readRetentionJobs = createSampler(sources.retentionJobs, sampling);
  return async () => {
    const [messages, embeddingJobs, retentionJobs] = await Promise.all([
      readMessages(),
      readEmbeddingJobs(),
      readRetentionJobs(),
    ]);
    return { messages, embeddingJobs, retentionJobs };
  };
}
