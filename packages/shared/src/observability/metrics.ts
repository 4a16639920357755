import { Counter, Gauge, Histogram, Registry } from 'prom-client';

const requestSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15];
const jobSeconds = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export type Metrics = ReturnType<typeof createMetrics>;

/**
 * Every metric of the system, on a registry of its own. Label values come from closed sets (route pattern,
 * role, outcome): never a tenant, an id or a raw path. The names are API; a test pins them.
 */
export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  return { registry, ...apiMetrics(registers), ...workerMetrics(registers) };
}

function apiMetrics(registers: Registry[]) {
  return {
    requests: new Counter({
      name: 'aiml_requests_total',
      help: 'HTTP requests answered, by method, route pattern and status.',
      labelNames: ['method', 'path', 'status'] as const,
      registers,
    }),
    requestSeconds: new Histogram({
      name: 'aiml_request_latency_seconds',
      help: 'Time from request to answer, by method and route pattern.',
      labelNames: ['method', 'path'] as const,
      buckets: requestSeconds,
      registers,
    }),
    messagesIngested: new Counter({
      name: 'aiml_messages_ingested_total',
      help: 'Messages stored, by role and way of arrival (single, batch).',
      labelNames: ['role', 'mode'] as const,
      registers,
    }),
    searches: new Counter({
      name: 'aiml_memory_search_total',
      help: 'Searches answered, by mode and whether the vector side was missing.',
      labelNames: ['mode', 'degraded'] as const,
      registers,
    }),
    searchSeconds: new Histogram({
      name: 'aiml_memory_search_latency_seconds',
      help: 'Time of a search, embedding the query included.',
      labelNames: ['mode'] as const,
      buckets: requestSeconds,
      registers,
    }),
    searchResults: new Histogram({
      name: 'aiml_memory_search_results',
      help: 'Hits in one answer.',
      buckets: [0, 1, 2, 5, 10, 20, 50, 100],
      registers,
    }),
    bells: new Counter({
      name: 'memory_queue_bells_total',
      help: 'Embedding jobs that were asked for, by outcome (rung, failed). The sweeper makes up for a failed one.',
      labelNames: ['outcome'] as const,
      registers,
    }),
    breakerState: new Gauge({
      name: 'memory_circuit_breaker_state',
      help: 'State of a circuit breaker: 0 closed, 1 half-open, 2 open.',
      labelNames: ['breaker'] as const,
      registers,
    }),
  };
}

function workerMetrics(registers: Registry[]) {
  return {
    embeddingJobs: new Counter({
      name: 'aiml_embedding_jobs_total',
      help: 'Embedding job attempts, by outcome.',
      labelNames: ['status'] as const,
      registers,
    }),
    embeddingJobSeconds: new Histogram({
      name: 'aiml_embedding_job_duration_seconds',
      help: 'Time of an embedding job attempt, by outcome.',
      labelNames: ['status'] as const,
      buckets: jobSeconds,
      registers,
    }),
    embeddingMessages: new Counter({
      name: 'memory_embedding_messages_total',
      help: 'Messages that an embed worker settled, by outcome.',
      labelNames: ['outcome'] as const,
      registers,
    }),
    embeddingBatchMessages: new Histogram({
      name: 'memory_embedding_batch_messages',
      help: 'Messages leased at once.',
      buckets: [1, 2, 4, 8, 16, 32, 64, 128],
      registers,
    }),
    retentionRows: new Counter({
      name: 'memory_retention_rows_total',
      help: 'Messages that retention archived or deleted.',
      labelNames: ['action'] as const,
      registers,
    }),
    jobsFailed: new Counter({
      name: 'memory_jobs_failed_total',
      help: 'Job attempts that failed, by queue and reason (failed, unparseable).',
      labelNames: ['queue', 'reason'] as const,
      registers,
    }),
  };
}
