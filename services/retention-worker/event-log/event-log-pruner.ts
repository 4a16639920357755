import type { Component } from '@memory-layer/shared/lifecycle/component';
import { createRepeatingTask } from '@memory-layer/shared/lifecycle/repeating-task';
import type { Logger } from '@memory-layer/shared/observability/logger';
import type { EventLogRepository } from './event-log.repository.ts';

export interface EventLogPrunerOptions {
  readonly eventLog: EventLogRepository;
  readonly keepMinutes: number;
  readonly logger: Logger;
}

const everyMs = 30_000;
const batchRows = 1000;
// What a round leaves is for the next one: stopping does not wait for a long way through an old log.
const batchesPerRound = 100;

/** Keeps the event log short: a timer and not a job, since the log grows also while the queue is away. */
export function createEventLogPruner({ eventLog, keepMinutes, logger }: EventLogPrunerOptions): Component {
  return createRepeatingTask({
    id: 'event-log-pruner',
    everyMs,
    run: async () => {
      for (let batch = 0; batch < batchesPerRound; batch++) {
        if ((await eventLog.prune({ keepMinutes, limit: batchRows })) < batchRows) return;
      }
    },
    onError: (error) => logger.warn({ err: error }, 'the event log could not be pruned'),
  });
}
