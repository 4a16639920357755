import { Database } from '../db/database.ts';
import { systemClock } from '../lifecycle/clock.ts';
import type { Clock } from '../lifecycle/clock.ts';
import { EventLoopDelay } from '../observability/event-loop-delay.ts';
import { LogOutput } from '../observability/log-output.ts';
import { createLogger, type Logger } from '../observability/logger.ts';
import { createMetrics, type Metrics } from '../observability/metrics.ts';
import { createQueueBackend } from '../queue/create-queue-backend.ts';
import type { QueueBackend } from '../queue/queue-port.ts';
import type { ServiceConfig } from './service-config.ts';

/** What every service has: made from its configuration, nothing started. */
export interface ServiceResources {
  readonly database: Database;
  readonly queues: QueueBackend;
  readonly logger: Logger;
  /** Where the logger writes to. */
  readonly output: LogOutput;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

export function createServiceResources(service: string, config: ServiceConfig): ServiceResources {
  const output = new LogOutput();
  const logger = createLogger({ service, level: config.logLevel, stream: output });
  const metrics = createMetrics();
  metrics.watch.droppedLines(() => output.droppedLines);
  metrics.watch.eventLoop(new EventLoopDelay());
  const { url, ...pool } = config.database;
  const database = new Database({
    connection: { connectionString: url },
    ...pool,
    applicationName: `memory-layer ${service}`,
    onConnectionError: (error) => logger.warn({ err: error }, 'database connection lost'),
  });
  const onError = (error: Error) => logger.warn({ err: error }, 'queue connection');
  const queues =
    config.queue.kind === 'redis'
      ? createQueueBackend({ kind: 'redis', ...config.queue.redis, onError })
      : createQueueBackend({ kind: 'postgres', connection: { connectionString: url }, onError });
  return { database, queues, logger, output, metrics, clock: systemClock };
}
