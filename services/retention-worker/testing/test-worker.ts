import type { AuditOrigin } from '@memory-layer/shared/audit/audit-event';
import { createLogger } from '@memory-layer/shared/observability/logger';
import { createMetrics } from '@memory-layer/shared/observability/metrics';
import type { Schema } from '@memory-layer/shared/db/schema';
import type { Kysely } from 'kysely';
import { createRetentionRunRepository } from '../retention-run.repository.ts';
import { createRetentionRepository, type RetentionRepository } from '../retention.repository.ts';
import type { PolicyDefaults } from '@memory-layer/shared/retention/retention-policy';
import { createRetentionService } from '../retention.service.ts';
import { now } from './retention-fixture.ts';

/** A signal that is never aborted. */
export const never = new AbortController().signal;

export interface WorkerOptions {
  readonly batchSize?: number;
  readonly sliceMs?: number;
  readonly at?: Date;
  /** What holds for a tenant that did not set it: 30 days, 0.35 and 90 days when not given. */
  readonly defaults?: PolicyDefaults;
  /** Whom the audit log names; nothing is written to it when not given. */
  readonly audit?: AuditOrigin;
  /** Called behind each batch of the archive, with its number. */
  readonly afterBatch?: (batch: number) => Promise<unknown>;
}

// By created_at, since messages of tests are stored now.
export const usualDefaults: PolicyDefaults = {
  maxAgeDays: 30,
  ageOf: 'created',
  importanceThreshold: 0.35,
  deleteAfterDays: 90,
};

/** A retention service on the real repositories, with records of what it did. */
export function createWorker(
  db: Kysely<Schema>,
  { batchSize = 500, sliceMs = 60_000, at = now, defaults = usualDefaults, audit, afterBatch }: WorkerOptions = {},
) {
  const batches: number[] = [];
  const notified: string[] = [];
  const lines: string[] = [];
  const metrics = createMetrics();
  const real = createRetentionRepository(db);
  const retention: RetentionRepository = {
    ...real,
    async archiveBatch(run, request) {
      const outcome = await real.archiveBatch(run, request);
      batches.push(outcome.rows);
      await afterBatch?.(batches.length);
      return outcome;
    },
  };
  const service = createRetentionService(
    {
      retention,
      runs: createRetentionRunRepository(db, audit),
      notifier: { notify: async (_tenantId, runId) => void notified.push(runId) },
      clock: { now: () => at },
      logger: createLogger({ service: 'test', level: 'info', stream: { write: (line) => void lines.push(line) } }),
      metrics,
    },
    { defaults, batchSize, sliceMs },
  );
  return { ...service, batches, notified, lines, metrics };
}

/** The same seed, `count` times. */
export const seeds = <T>(count: number, seed: T): T[] => Array.from({ length: count }, () => seed);
