import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { closeReasons } from '../http/connection-guard.ts';

const requestSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15];

/** What the api counts, and what api and embed worker count both. */
export function apiMetrics(registers: Registry[]) {
  return {
    ...requestMetrics(registers),
    ...auditMetrics(registers),
    ...eventMetrics(registers),
    ...searchMetrics(registers),
    ...replicaMetrics(registers),
    ...outageMetrics(registers),
  };
}

function auditMetrics(registers: Registry[]) {
  const auditEventsLost = new Counter({
    name: 'memory_audit_events_lost_total',
    help: 'Refusals and reads that are missing in the audit log, by reason (queue: too many at once, database).',
    labelNames: ['reason'] as const,
    registers,
  });
  for (const reason of ['queue', 'database']) auditEventsLost.inc({ reason }, 0);
  return { auditEventsLost };
}

function requestMetrics(registers: Registry[]) {
  const rateLimited = new Counter({
    name: 'memory_rate_limited_total',
    help: 'Requests refused with 429, by whose rate was used up (address, key, tenant).',
    labelNames: ['subject'] as const,
    registers,
  });
  // From nothing to one is no increase to Prometheus: what alerts look at begins at zero.
  for (const subject of ['address', 'key', 'tenant']) rateLimited.inc({ subject }, 0);
  const connectionsClosed = new Counter({
    name: 'memory_connections_closed_total',
    help: `Connections closed before their client had done with them, by reason (${closeReasons.join(', ')}).`,
    labelNames: ['reason'] as const,
    registers,
  });
  for (const reason of closeReasons) connectionsClosed.inc({ reason }, 0);
  const readsWaiting = new Gauge({
    name: 'memory_reads_waiting',
    help: 'Searches and other reads of this process that wait until their tenant, or the process, has less to do.',
    registers,
  });
  // Without labels a gauge begins at 0, which would be reported by processes that answer no reads.
  readsWaiting.remove();
  const readsRefused = new Counter({
    name: 'memory_reads_refused_total',
    help: 'Reads that were not begun, by reason (tenant_queue_full, queue_full, deadline, client_gone, tenant_unread, unread).',
    labelNames: ['reason'] as const,
    registers,
  });
  const reasons = ['tenant_queue_full', 'queue_full', 'deadline', 'client_gone', 'tenant_unread', 'unread'];
  for (const reason of reasons) readsRefused.inc({ reason }, 0);
  return {
    connectionsClosed,
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
    rateLimited,
    ...bodyMetrics(registers),
    readsWaiting,
    readsRefused,
    messagesIngested: new Counter({
      name: 'aiml_messages_ingested_total',
      help: 'Messages stored, by role and way of arrival (single, batch, stream).',
      labelNames: ['role', 'mode'] as const,
      registers,
    }),
  };
}

function bodyMetrics(registers: Registry[]) {
  const bodyBytes = new Gauge({
    name: 'memory_request_body_bytes',
    help: 'Bytes of the request bodies that this process reads or works on.',
    registers,
  });
  const unreadAnswerBytes = new Gauge({
    name: 'memory_unread_answer_bytes',
    help: 'Bytes of answers that are made and not yet taken by their clients.',
    registers,
  });
  // Without labels a gauge begins at 0, which would be reported by processes that take no requests.
  bodyBytes.remove();
  unreadAnswerBytes.remove();
  const bodiesRefused = new Counter({
    name: 'memory_request_bodies_refused_total',
    help: 'Bodies refused since too many bytes are held, by whose limit it was (key_full, full).',
    labelNames: ['reason'] as const,
    registers,
  });
  for (const reason of ['key_full', 'full']) bodiesRefused.inc({ reason }, 0);
  return { bodyBytes, unreadAnswerBytes, bodiesRefused };
}

function eventMetrics(registers: Registry[]) {
  const eventStreams = new Gauge({
    name: 'memory_event_streams',
    help: 'Open streams of GET /v1/events in this process.',
    registers,
  });
  // Without labels a gauge begins at 0, which would be reported by processes that have no streams.
  eventStreams.remove();
  return {
    eventStreams,
    eventDelaySeconds: new Histogram({
      name: 'memory_event_delay_seconds',
      help: 'From writing a row of the event log to handing it to the open streams.',
      buckets: [0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300],
      registers,
    }),
  };
}

function searchMetrics(registers: Registry[]) {
  return {
    candidateSearches: new Counter({
      name: 'memory_candidate_searches_total',
      help: 'Searches by where their candidates were looked for: memory, database.',
      labelNames: ['source'] as const,
      registers,
    }),
    queryVectors: new Counter({
      name: 'memory_query_vectors_total',
      help: 'Query vectors that searches needed, by source: cache, shared with a search that was computing it, model.',
      labelNames: ['source'] as const,
      registers,
    }),
    reranks: new Counter({
      name: 'memory_rerank_total',
      help: 'Searches whose hits were given to the reranker, by outcome (reranked, failed).',
      labelNames: ['outcome'] as const,
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
  };
}

function replicaMetrics(registers: Registry[]) {
  return {
    replicaReads: new Counter({
      name: 'memory_read_replica_reads_total',
      help: 'Reads where read replicas are configured, by source: replica, primary (none was well), fallback (it failed).',
      labelNames: ['source'] as const,
      registers,
    }),
    replicaUp: new Gauge({
      name: 'memory_read_replica_up',
      help: 'Whether a read replica is read from (1) or left out (0), by its place in the configuration.',
      aggregator: 'min',
      labelNames: ['replica'] as const,
      registers,
    }),
    replicaLagSeconds: new Gauge({
      name: 'memory_read_replica_lag_seconds',
      help: 'How far a read replica is behind at most.',
      aggregator: 'max',
      labelNames: ['replica'] as const,
      registers,
    }),
  };
}

function outageMetrics(registers: Registry[]) {
  const jobsEnqueued = new Counter({
    name: 'memory_jobs_enqueued_total',
    help: 'Embedding jobs added to the queue, by outcome (enqueued, failed). The sweeper makes up for a failed one.',
    labelNames: ['outcome'] as const,
    registers,
  });
  for (const outcome of ['enqueued', 'failed']) jobsEnqueued.inc({ outcome }, 0);
  return {
    jobsEnqueued,
    breakerState: new Gauge({
      name: 'memory_circuit_breaker_state',
      help: 'State of a circuit breaker: 0 closed, 1 half-open, 2 open.',
      aggregator: 'max',
      labelNames: ['breaker'] as const,
      registers,
    }),
  };
}
