import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

const embeddingSeconds = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
// A run ends its slice after five minutes.
const retentionSeconds = [...embeddingSeconds, 120, 300, 600];

/** What embed workers and retention workers count. */
export function workerMetrics(registers: Registry[]) {
  return {
    ...embeddingMetrics(registers),
    ...retentionMetrics(registers),
    ...vectorIndexMetrics(registers),
    jobsFailed: new Counter({
      name: 'memory_jobs_failed_total',
      help: 'Job attempts that failed, by queue and reason (failed, unparseable).',
      labelNames: ['queue', 'reason'] as const,
      registers,
    }),
  };
}

function embeddingMetrics(registers: Registry[]) {
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
      buckets: embeddingSeconds,
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
  };
}

function retentionMetrics(registers: Registry[]) {
  const retentionRuns = new Counter({
    name: 'memory_retention_runs_total',
    help: 'Retention runs that a worker took up, by how that ended (completed, failed, handed-back, lost).',
    labelNames: ['outcome'] as const,
    registers,
  });
  // From nothing to one is no increase to Prometheus: what alerts look at begins at zero.
  for (const outcome of ['completed', 'failed', 'handed-back', 'lost']) retentionRuns.inc({ outcome }, 0);
  return {
    retentionRuns,
    retentionRows: new Counter({
      name: 'memory_retention_rows_total',
      help: 'Messages that retention archived or deleted.',
      labelNames: ['action'] as const,
      registers,
    }),
    retentionJobs: new Counter({
      name: 'memory_retention_jobs_total',
      help: 'Retention job attempts, by job and outcome (completed, failed).',
      labelNames: ['job_name', 'status'] as const,
      registers,
    }),
    retentionJobSeconds: new Histogram({
      name: 'memory_retention_job_duration_seconds',
      help: 'Time of a retention job attempt, by job and outcome.',
      labelNames: ['job_name', 'status'] as const,
      buckets: retentionSeconds,
      registers,
    }),
  };
}

function vectorIndexMetrics(registers: Registry[]) {
  const tail = new Gauge({
    name: 'memory_vector_index_tail_vectors',
    help: 'Most vectors of a tenant with an index that a search still reads one by one, of those looked at last.',
    aggregator: 'max',
    registers,
  });
  // Without labels a gauge begins at 0, which would be said by processes that keep no indexes.
  tail.remove();
  return {
    vectorIndexTail: tail,
    vectorIndexBuilds: new Counter({
      name: 'memory_vector_index_builds_total',
      help: 'Index segments of large tenants, by how their build ended (completed, failed).',
      labelNames: ['outcome'] as const,
      registers,
    }),
    vectorIndexBuildSeconds: new Histogram({
      name: 'memory_vector_index_build_duration_seconds',
      help: 'Time of building an index segment of a large tenant.',
      buckets: [1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800],
      registers,
    }),
    vectorIndexedVectors: new Counter({
      name: 'memory_vector_index_vectors_total',
      help: 'Vectors that were built into index segments; those of joined segments count again.',
      registers,
    }),
  };
}
