import { systemOrigin, type AuditOrigin } from '@memory-layer/shared/audit/audit-event';
import type { Database } from '@memory-layer/shared/db/database';
import { whenDatabaseReady } from '@memory-layer/shared/db/database-gate';
import type { Clock } from '@memory-layer/shared/lifecycle/clock';
import type { Component } from '@memory-layer/shared/lifecycle/component';
import type { Readiness } from '@memory-layer/shared/lifecycle/readiness';
import { createRepeatingTask } from '@memory-layer/shared/lifecycle/repeating-task';
import { createJobEvents, jobLogFields } from '@memory-layer/shared/queue/job-events';
import type { Logger } from '@memory-layer/shared/observability/logger';
import type { Metrics } from '@memory-layer/shared/observability/metrics';
import { retentionQueue } from '@memory-layer/shared/queue/catalog';
import type { ConsumerEvents, QueueBackend, QueueCounts } from '@memory-layer/shared/queue/queue-port';
import { createAuditLogPruner } from './audit-log/audit-log-pruner.ts';
import { createAuditLogRepository } from './audit-log/audit-log.repository.ts';
import type { RetentionConfig } from './config.ts';
import { createEventLogPruner } from './event-log/event-log-pruner.ts';
import { createEventLogRepository } from './event-log/event-log.repository.ts';
import { createRetentionRunRepository } from './retention-run.repository.ts';
import { createRetentionRepository } from './retention.repository.ts';
import { createRetentionService, type RetentionJobNotifier } from './retention.service.ts';
import { createRetentionProcessors } from './retention.processor.ts';
import { createScheduleRepository } from './schedule.repository.ts';
import { createScheduleService } from './schedule.service.ts';

/** What the process lends to the retention worker. The worker neither starts nor stops it. */
export interface RetentionWorkerResources {
  readonly database: Database;
  readonly queues: QueueBackend;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** Set to ready once the worker takes jobs, to draining when it stops. */
  readonly readiness?: Readiness;
}

const sliceMs = 300_000;
const sweepEveryMs = 30_000;
const maintainScheduleEveryMs = 600_000;

/** Builds the retention worker: start it when database and queue are up. */
export function composeRetentionWorker(config: RetentionConfig, resources: RetentionWorkerResources): Component {
  const { database, queues, logger, metrics } = resources;
  const stopping = new AbortController();
  const producer = queues.createProducer(retentionQueue);
  const notifier: RetentionJobNotifier = {
    notify: (tenantId, runId) => producer.add('run-retention', { v: 1, tenantId, runId }, { deduplicationId: runId }),
  };
  watchState(resources, () => producer.counts());
  const { retention, schedule } = createServices(config, resources, notifier);
  const consumer = queues.createConsumer(retentionQueue, createRetentionProcessors({ schedule, retention }), {
    concurrency: config.concurrency,
    ...retentionJobEvents(logger, metrics),
  });
  const scheduler = queues.createScheduler(retentionQueue);
  const everyMs = config.schedule.everySeconds * 1000;
  const scheduleMaintainer = createRepeatingTask({
    id: 'retention-schedule',
    everyMs: maintainScheduleEveryMs,
    // Redis forgets schedules when it is flushed, and nothing else would bring them back.
    run: () => scheduler.upsertSchedule('schedule-retention', 'schedule-retention', { everyMs }, { v: 1 }),
    onError: (error) => logger.warn({ err: error }, 'the retention schedule could not be maintained'),
  });
  const sweeper = createRepeatingTask({
    id: 'open-run-sweeper',
    everyMs: sweepEveryMs,
    // The queue may have lost a job, and a worker may have died during a run.
    run: async () => {
      const enqueued = await schedule.enqueueStuckRuns();
      if (enqueued > 0) logger.info({ enqueued }, 'jobs enqueued again for retention runs');
    },
    onError: (error) => logger.warn({ err: error }, 'retention runs could not be swept'),
  });
  const auditPruner = createAuditLogPruner({
    auditLog: createAuditLogRepository(database.queries, auditOriginOf(config)),
    keepDays: config.audit.keepDays,
    logger,
  });
  const pruner = createEventLogPruner({
    eventLog: createEventLogRepository(database.queries),
    keepMinutes: config.eventLogMinutes,
    logger,
  });

  return {
    id: 'retention-worker',
    /** Waits for the database, for as long as it takes. */
    async start() {
      await whenDatabaseReady({ database, logger, signal: stopping.signal }, () => consumer.start());
      await scheduleMaintainer.start();
      await sweeper.start();
      await pruner.start();
      await auditPruner.start();
      resources.readiness?.set('ready');
    },
    async stop() {
      resources.readiness?.set('draining');
      stopping.abort();
      await auditPruner.stop();
      await pruner.stop();
      await sweeper.stop();
      await scheduleMaintainer.stop();
      await consumer.stop();
      await producer.close();
    },
  };
}

function createServices(config: RetentionConfig, resources: RetentionWorkerResources, notifier: RetentionJobNotifier) {
  const { clock, logger, metrics } = resources;
  const db = resources.database.queries;
  return {
    schedule: createScheduleService(
      { schedule: createScheduleRepository(db), notifier, clock, logger },
      config.schedule,
    ),
    retention: createRetentionService(
      {
        retention: createRetentionRepository(db),
        runs: createRetentionRunRepository(db, auditOriginOf(config)),
        notifier,
        clock,
        logger,
        metrics,
      },
      { defaults: config.defaults, batchSize: config.batchSize, sliceMs },
    ),
  };
}

/** Undefined when the audit log is off. */
function auditOriginOf({ audit }: RetentionConfig): AuditOrigin | undefined {
  return audit.isOn ? systemOrigin('retention-worker') : undefined;
}

function watchState(resources: RetentionWorkerResources, counts: () => Promise<QueueCounts>): void {
  const { database, metrics, readiness } = resources;
  metrics.watch.database(() => database.poolUse());
  metrics.watch.queue(retentionQueue.name, counts);
  if (readiness) metrics.watch.readiness(readiness, database);
}

function retentionJobEvents(logger: Logger, metrics: Metrics): ConsumerEvents {
  return createJobEvents({
    queueName: retentionQueue.name,
    onEnded: (report, status) => {
      // A label value must come from the catalog, whatever is found in the queue.
      const name = report.jobName in retentionQueue.jobs ? report.jobName : 'unknown';
      metrics.retentionJobs.inc({ job_name: name, status });
      metrics.retentionJobSeconds.observe({ job_name: name, status }, report.durationMs / 1000);
      if (status === 'completed') logger.info(jobLogFields(report), 'job');
    },
    logger,
    metrics,
  });
}
