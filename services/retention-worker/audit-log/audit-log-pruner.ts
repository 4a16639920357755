import type { Component } from '@memory-layer/shared/lifecycle/component';
import { createRepeatingTask } from '@memory-layer/shared/lifecycle/repeating-task';
import type { Logger } from '@memory-layer/shared/observability/logger';
import type { AuditLogRepository } from './audit-log.repository.ts';

export interface AuditLogPrunerOptions {
  readonly auditLog: AuditLogRepository;
  readonly keepDays: number;
  readonly logger: Logger;
}

const everyMs = 3_600_000;
const batchRows = 2000;
// What a round leaves is for the next one: stopping does not wait for a long way through an old log.
const batchesPerRound = 100;

/** Keeps the audit log as long as it is to be kept, and no longer. */
export function createAuditLogPruner({ auditLog, keepDays, logger }: AuditLogPrunerOptions): Component {
  return createRepeatingTask({
    id: 'audit-log-pruner',
    everyMs,
    run: async () => {
      for (let batch = 0; batch < batchesPerRound; batch++) {
        if ((await auditLog.prune({ keepDays, limit: batchRows })) < batchRows) return;
      }
    },
    onError: (error) => logger.warn({ err: error }, 'the audit log could not be pruned'),
  });
}
