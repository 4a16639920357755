import type { Logger } from '@memory-layer/shared/observability/logger';
import type { Metrics } from '@memory-layer/shared/observability/metrics';
import { embeddingQueue } from '@memory-layer/shared/queue/catalog';
import { createJobEvents } from '@memory-layer/shared/queue/job-events';
import type { JobPayload, RunningJob } from '@memory-layer/shared/queue/define-queue';
import type { ConsumerEvents } from '@memory-layer/shared/queue/queue-port';
import type { EmbeddingService } from './embedding.service.ts';

type EmbedMessagesJob = RunningJob<JobPayload<typeof embeddingQueue, 'embed-messages'>>;

/** Embeds the due messages of the job's tenant. */
export function embedMessagesProcessor(service: EmbeddingService, logger: Logger) {
  return async function processEmbedMessages({ payload, jobId, attempt, signal }: EmbedMessagesJob): Promise<void> {
    const started = performance.now();
    const { tenantId, generation, requestId } = payload;
    const outcome = await service.embedDue({ tenantId, generation }, signal);
    const durationMs = Math.round(performance.now() - started);
    logger.info({ job: 'embed-messages', jobId, attempt, tenantId, requestId, durationMs, ...outcome }, 'job');
  };
}

/** Counts and logs how jobs end. */
export function embedMessagesEvents(logger: Logger, metrics: Metrics): ConsumerEvents {
  return createJobEvents({
    queueName: embeddingQueue.name,
    onEnded: ({ durationMs }, status) => {
      metrics.embeddingJobs.inc({ status });
      metrics.embeddingJobSeconds.observe({ status }, durationMs / 1000);
    },
    logger,
    metrics,
  });
}
