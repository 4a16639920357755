import { describe, expect, test } from 'vitest';
import { Readiness } from '../lifecycle/readiness.ts';
import { createMetrics } from './metrics.ts';

test('names and labels are what dashboards and alerts know', () => {
  const metrics = createMetrics().registry.getMetricsAsArray();
  const labelled = metrics.map((metric) => `${metric.name}{${labelsOf(metric).join()}}`);
  expect(labelled.filter((name) => !/^(?:nodejs|process)_/.test(name)).toSorted()).toEqual([
    'aiml_embedding_job_duration_seconds{status}',
    'aiml_embedding_jobs_total{status}',
    'aiml_memory_search_latency_seconds{mode}',
    'aiml_memory_search_results{}',
    'aiml_memory_search_total{mode,degraded}',
    'aiml_messages_ingested_total{role,mode}',
    'aiml_request_latency_seconds{method,path}',
    'aiml_requests_total{method,path,status}',
    'memory_audit_events_lost_total{reason}',
    'memory_build_info{version}',
    'memory_candidate_searches_total{source}',
    'memory_circuit_breaker_state{breaker}',
    'memory_collector_up{collector}',
    'memory_connections_closed_total{reason}',
    'memory_database_pool_connections{state}',
    'memory_database_pool_waiting{}',
    'memory_embedding_batch_messages{}',
    'memory_embedding_messages_total{outcome}',
    'memory_event_delay_seconds{}',
    'memory_event_loop_delay_seconds{quantile}',
    'memory_event_streams{}',
    'memory_jobs_enqueued_total{outcome}',
    'memory_jobs_failed_total{queue,reason}',
    'memory_log_lines_dropped_total{}',
    'memory_oldest_pending_age_seconds{}',
    'memory_pending_messages{state}',
    'memory_query_vectors_total{source}',
    'memory_queue_jobs{queue,state}',
    'memory_rate_limited_total{subject}',
    'memory_read_replica_lag_seconds{replica}',
    'memory_read_replica_reads_total{source}',
    'memory_read_replica_up{replica}',
    'memory_reads_refused_total{reason}',
    'memory_reads_waiting{}',
    'memory_ready{}',
    'memory_request_bodies_refused_total{reason}',
    'memory_request_body_bytes{}',
    'memory_rerank_total{outcome}',
    'memory_retention_job_duration_seconds{job_name,status}',
    'memory_retention_jobs_total{job_name,status}',
    'memory_retention_rows_total{action}',
    'memory_retention_runs_total{outcome}',
    'memory_tenant_index_bytes{}',
    'memory_tenant_indexes{}',
    'memory_unread_answer_bytes{}',
    'memory_vector_index_build_duration_seconds{}',
    'memory_vector_index_builds_total{outcome}',
    'memory_vector_index_tail_vectors{}',
    'memory_vector_index_vectors_total{}',
  ]);
});

test('no label has a name that Prometheus gives to its own', () => {
  const names = createMetrics().registry.getMetricsAsArray().flatMap(labelsOf);
  expect(names.filter((name) => ['job', 'instance', 'service', 'le'].includes(name))).toEqual([]);
});

test('each registry is its own', async () => {
  const [one, two] = [createMetrics(), createMetrics()];
  one.jobsEnqueued.inc({ outcome: 'enqueued' });
  expect(await one.registry.metrics()).toContain('memory_jobs_enqueued_total{outcome="enqueued"} 1');
  expect(await two.registry.metrics()).toContain('memory_jobs_enqueued_total{outcome="enqueued"} 0');
});

test('the process itself and the release are described', async () => {
  const text = await createMetrics().registry.metrics();
  for (const name of [
    'process_resident_memory_bytes',
    'nodejs_eventloop_lag_p99_seconds',
    'nodejs_heap_size_used_bytes',
  ]) {
    expect(text).toMatch(new RegExp(`^${name} \\d`, 'm'));
  }
  expect(text).toMatch(/^memory_build_info\{version="\d+\.\d+\.\d+[^"]*"\} 1$/m);
});

describe('what is read at a scrape', () => {
  const counts = { waiting: 3, active: 1, delayed: 0, failed: 2 };
  const scrape = ({ registry }: ReturnType<typeof createMetrics>) => registry.metrics();

  test('shows queues, pending messages, the pool and readiness', async () => {
    const metrics = createMetrics();
    metrics.watch.queue('embedding', async () => counts);
    metrics.watch.pending(async () => ({ pending: 7, failed: 1, oldestPendingSeconds: 12.5 }));
    metrics.watch.database(() => ({ total: 5, idle: 2, waiting: 4 }));
    metrics.watch.readiness(readyProcess(), { health: async () => ({ status: 'ok' }) });
    const text = await scrape(metrics);
    for (const line of [
      'memory_queue_jobs{queue="embedding",state="waiting"} 3',
      'memory_queue_jobs{queue="embedding",state="failed"} 2',
      'memory_pending_messages{state="pending"} 7',
      'memory_pending_messages{state="failed"} 1',
      'memory_oldest_pending_age_seconds 12.5',
      'memory_database_pool_connections{state="busy"} 3',
      'memory_database_pool_connections{state="idle"} 2',
      'memory_database_pool_waiting 4',
      'memory_ready 1',
      'memory_collector_up{collector="queue:embedding"} 1',
      'memory_collector_up{collector="pending"} 1',
    ]) {
      expect(text.split('\n')).toContain(line);
    }
  });

  test('shows nothing of what is not watched', async () => {
    const names = /^(?:memory_ready|memory_queue_jobs|memory_pending|memory_oldest|memory_database|memory_collector)/m;
    expect(await scrape(createMetrics())).not.toMatch(names);
  });

  test('a source that fails takes its own gauges away, says so, and spoils nothing else', async () => {
    const metrics = createMetrics();
    metrics.watch.queue('embedding', () => Promise.reject(new Error('redis is away')));
    metrics.watch.pending(() => Promise.reject(new Error('the database is away')));
    metrics.watch.readiness(readyProcess(), { health: () => Promise.reject(new Error('no answer')) });
    metrics.watch.database(() => {
      throw new Error('no pool');
    });
    metrics.jobsEnqueued.inc({ outcome: 'failed' });
    const text = await scrape(metrics);
    expect(text).toContain('memory_collector_up{collector="queue:embedding"} 0');
    expect(text).toContain('memory_collector_up{collector="pending"} 0');
    expect(text).toContain('memory_ready 0');
    expect(text).toContain('memory_jobs_enqueued_total{outcome="failed"} 1');
    expect(text).not.toMatch(/^memory_(?:queue_jobs|pending_messages|oldest_pending_age_seconds)/m);
  });

  test('a process is not ready while it starts, drains, or lacks what it needs', async () => {
    const readiness = new Readiness();
    const metrics = createMetrics();
    let status: 'ok' | 'down' = 'ok';
    metrics.watch.readiness(readiness, { health: async () => ({ status }) });
    expect(await scrape(metrics)).toContain('memory_ready 0');
    readiness.set('ready');
    expect(await scrape(metrics)).toContain('memory_ready 1');
    readiness.set('draining');
    expect(await scrape(metrics)).toContain('memory_ready 0');

    status = 'down';
    const lacking = createMetrics();
    lacking.watch.readiness(readyProcess(), { health: async () => ({ status }) });
    expect(await scrape(lacking)).toContain('memory_ready 0');
  });

  test('the pool is read once, before a scrape asks for connections itself', async () => {
    const metrics = createMetrics();
    const order: string[] = [];
    metrics.watch.pending(async () => {
      order.push('query');
      return { pending: 0, failed: 0, oldestPendingSeconds: 0 };
    });
    metrics.watch.database(() => {
      order.push('pool');
      return { total: 1, idle: 1, waiting: 0 };
    });
    await Promise.all([scrape(metrics), scrape(metrics)]);
    expect(order).toEqual(['pool', 'query']);
    await scrape(metrics);
    expect(order).toEqual(['pool', 'query', 'pool']);
  });

  test('a queue that several parts of a process watch is read once', async () => {
    const metrics = createMetrics();
    let reads = 0;
    const read = async () => {
      reads += 1;
      return counts;
    };
    metrics.watch.queue('retention', read);
    metrics.watch.queue('retention', read);
    await Promise.all([scrape(metrics), scrape(metrics)]);
    expect(reads).toBe(1);
  });
});

function readyProcess(): Readiness {
  const readiness = new Readiness();
  readiness.set('ready');
  return readiness;
}

// prom-client keeps the names on the metric, though its types do not say so.
function labelsOf(metric: object): readonly string[] {
  if (!('labelNames' in metric) || !Array.isArray(metric.labelNames)) throw new Error('a metric has no label names');
  return metric.labelNames.map(String);
}
