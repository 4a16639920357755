import { expect, test } from 'vitest';
import { createMetrics } from './metrics.ts';

test('names and labels are what dashboards and alerts know', () => {
  const metrics = createMetrics().registry.getMetricsAsArray();
  const labelled = metrics.map((metric) => `${metric.name}{${labelsOf(metric).join()}}`);
  expect(labelled.toSorted()).toEqual([
    'aiml_embedding_job_duration_seconds{status}',
    'aiml_embedding_jobs_total{status}',
    'aiml_memory_search_latency_seconds{mode}',
    'aiml_memory_search_results{}',
    'aiml_memory_search_total{mode,degraded}',
    'aiml_messages_ingested_total{role,mode}',
    'aiml_request_latency_seconds{method,path}',
    'aiml_requests_total{method,path,status}',
    'memory_circuit_breaker_state{breaker}',
    'memory_embedding_batch_messages{}',
    'memory_embedding_messages_total{outcome}',
    'memory_jobs_failed_total{queue,reason}',
    'memory_queue_bells_total{outcome}',
    'memory_retention_rows_total{action}',
  ]);
});

test('each registry is its own', async () => {
  const [one, two] = [createMetrics(), createMetrics()];
  one.bells.inc({ outcome: 'rung' });
  expect(await one.registry.metrics()).toContain('memory_queue_bells_total{outcome="rung"} 1');
  expect(await two.registry.metrics()).not.toContain('memory_queue_bells_total{');
});

// prom-client keeps the names on the metric, though its types do not say so.
function labelsOf(metric: object): readonly string[] {
  if (!('labelNames' in metric) || !Array.isArray(metric.labelNames)) throw new Error('a metric has no label names');
  return metric.labelNames.map(String);
}
