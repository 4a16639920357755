import { expect, test } from 'vitest';
import { createMetrics } from './metrics.ts';
import { MetricsSum, type MetricsSnapshot } from './metrics-sum.ts';

/** The value of a series; undefined when it is not there. */
async function valueOf(sum: MetricsSum, running: readonly MetricsSnapshot[], series: string) {
  const text = await sum.metrics({ refresh: async () => undefined, running: () => running });
  const line = text.split('\n').find((one) => one.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

const post = { method: 'POST', path: '/v1/messages' };
const requests = 'aiml_requests_total{method="POST",path="/v1/messages",status="202"}';
const fast = 'aiml_request_latency_seconds_bucket{le="0.0025",method="POST",path="/v1/messages"}';

async function snapshotAfter(posts: number, seconds: number): Promise<MetricsSnapshot> {
  const { registry, requests: counter, requestSeconds, ...metrics } = createMetrics();
  counter.inc({ ...post, status: '202' }, posts);
  for (let n = 0; n < posts; n++) requestSeconds.observe(post, seconds);
  metrics.eventStreams.set(posts);
  metrics.breakerState.set({ breaker: 'embedding' }, posts);
  metrics.replicaUp.set({ replica: '1' }, posts === 2 ? 0 : 1);
  return registry.getMetricsAsJSON();
}

test('adds what is counted, and joins what stands by what it means', async () => {
  const sum = new MetricsSum(createMetrics());
  const running = [await snapshotAfter(2, 0.002), await snapshotAfter(1, 0.2)];
  const value = (series: string) => valueOf(sum, running, series);
  expect(await value(requests)).toBe(3);
  expect(await value(fast)).toBe(2);
  expect(await value('aiml_request_latency_seconds_count{method="POST",path="/v1/messages"}')).toBe(3);
  expect(await value('memory_event_streams')).toBe(3);
  expect(await value('memory_circuit_breaker_state{breaker="embedding"}')).toBe(2);
  expect(await value('memory_read_replica_up{replica="1"}')).toBe(0);
});

test('one release is one release, and the service is as old as its first process', async () => {
  const sum = new MetricsSum(createMetrics());
  const text = await sum.metrics({ refresh: async () => undefined, running: () => [] });
  const running = [await snapshotAfter(1, 1), await snapshotAfter(1, 1)];
  const both = await sum.metrics({ refresh: async () => undefined, running: () => running });
  expect(both.match(/^memory_build_info\{.*\} 1$/gm)).toHaveLength(1);
  expect(text).toMatch(/^process_start_time_seconds \d/m);
  expect(both.match(/^process_start_time_seconds \d/gm)).toHaveLength(1);
});

test('keeps what processes had counted that have ended, and nothing else of them', async () => {
  const sum = new MetricsSum(createMetrics());
  const running = [await snapshotAfter(1, 0.002)];
  for (let n = 0; n < 10; n++) sum.addEnded(await snapshotAfter(2, 0.002));
  expect(await valueOf(sum, running, requests)).toBe(21);
  expect(await valueOf(sum, running, fast)).toBe(21);
  expect(await valueOf(sum, running, 'memory_event_streams')).toBe(1);
  expect(await valueOf(sum, [], requests)).toBe(20);
});

test('says how many processes there are', async () => {
  const sum = new MetricsSum(createMetrics());
  sum.processes.set({ state: 'wanted' }, 4);
  expect(await valueOf(sum, [], 'memory_api_processes{state="wanted"}')).toBe(4);
  expect(await valueOf(sum, [], 'memory_api_processes_ended_total{reason="failed"}')).toBe(0);
});
