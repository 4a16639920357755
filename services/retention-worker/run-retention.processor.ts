import type { retentionQueue } from '@memory-layer/shared/queue/catalog';
import type { Handlers } from '@memory-layer/shared/queue/define-queue';
import type { RetentionService } from './retention.service.ts';

type Handler = Handlers<typeof retentionQueue>['run-retention'];

/** Carries out one run of one tenant. An aborted job goes back to the queue, as its run does. */
export function createRunRetentionProcessor(retention: Pick<RetentionService, 'run'>): Handler {
  return async ({ payload, signal }) => {
    const outcome = await retention.run(payload.tenantId, payload.runId, signal);
    if (outcome === 'handed-back') signal.throwIfAborted();
  };
}
