import { Readiness } from '@memory-layer/shared/lifecycle/readiness';
import { LogOutput } from '@memory-layer/shared/observability/log-output';
import { createLogger } from '@memory-layer/shared/observability/logger';
import { createMetrics } from '@memory-layer/shared/observability/metrics';
import { MetricsSum } from '@memory-layer/shared/observability/metrics-sum';
import { OpsServer } from '@memory-layer/shared/ops/ops-server';
import type { Service } from '@memory-layer/shared/process/run-service';
import type { ServiceConfig } from '@memory-layer/shared/process/service-config';
import { forkProcess } from './fork-process.ts';
import type { SentConnections } from './lost-connections.ts';
import { ProcessPool } from './process-pool.ts';

export interface ProcessPoolConfig extends Pick<ServiceConfig, 'logLevel' | 'ops' | 'shutdownDeadlineMs'> {
  readonly processes: number;
  readonly lingerMs: number;
}

// What a process needs to end by itself once its own deadline has passed.
const endMs = 1500;

/** Processes that share the port of the api, and the ops listener that answers for all of them. */
export function composeProcessPool({ processes, lingerMs, ...config }: ProcessPoolConfig): Service {
  const output = new LogOutput();
  const logger = createLogger({ service: 'api', level: config.logLevel, stream: output });
  const metrics = createMetrics();
  metrics.watch.droppedLines(() => output.droppedLines);
  const sum = new MetricsSum(metrics);
  const sent: SentConnections = new WeakMap();
  const stopMs = config.shutdownDeadlineMs + endMs;
  const pool = new ProcessPool({
    count: processes,
    // What is read anew at a restart is the rest of the configuration.
    start: (order) =>
      forkProcess(
        order,
        { MEMORY_API_PROCESSES: String(processes) },
        { sent, answers: { metrics: () => sum.metrics(pool) }, onLines: (text) => output.write(text) },
      ),
    metrics: sum,
    logger,
    stopMs,
    retireMs: lingerMs + stopMs,
  });
  const readiness = new Readiness();
  metrics.watch.readiness(readiness, pool);
  process.on('SIGHUP', () => void pool.restart());
  const exposition = { contentType: sum.contentType, metrics: () => sum.metrics(pool) };
  const { connectionsClosed } = metrics;
  const ops = new OpsServer(config.ops, {
    readiness,
    needed: [pool],
    metrics: { connectionsClosed, registry: exposition },
  });
  const traffic = {
    id: 'traffic',
    start: async () => readiness.set('ready'),
    stop: async () => readiness.set('draining'),
  };
  // Its processes have the deadline; this one sees them end.
  const shutdownDeadlineMs = stopMs + endMs;
  return { config: { shutdownDeadlineMs }, resources: { logger, output }, components: [ops, pool, traffic] };
}
