import type { JobPayload, RunningJob } from '@memory-layer/shared/queue/define-queue';
import type { embeddingQueue } from '@memory-layer/shared/queue/catalog';
import type { Logger } from '@memory-layer/shared/observability/logger';
import type { EmbeddingService } from './embedding.service.ts';

type EmbedMessagesJob = RunningJob<JobPayload<typeof embeddingQueue, 'embed-messages'>>;

/** A bell was heard: embed what that tenant has due. */
export function embedMessagesProcessor(service: EmbeddingService, logger: Logger) {
  return async function processEmbedMessages({ payload, jobId, attempt, signal }: EmbedMessagesJob): Promise<void> {
    const started = performance.now();
    const { tenantId, generation, requestId } = payload;
    const outcome = await service.embedDue({ tenantId, generation }, signal);
    const durationMs = Math.round(performance.now() - started);
    logger.info({ job: 'embed-messages', jobId, attempt, tenantId, requestId, durationMs, ...outcome }, 'job');
  };
}
