import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApiClient } from '../api-client.ts';
import { readLedger, untilEmbedded } from './ledger.ts';
import type { ServiceProcess } from './service-process.ts';
import { serversAreGiven, useGivenServers } from './servers.ts';
import { createStack, type Services, type Stack } from './stack.ts';

describe.skipIf(!serversAreGiven)('three processes', () => {
  let stack: Stack;
  let services: Services;
  let client: ApiClient;

  beforeAll(async () => {
    stack = await createStack(await useGivenServers());
    services = await stack.startAll({ MEMORY_DATABASE_POOL_SIZE: '10' });
    client = stack.clientOf(services.api);
  });
  afterAll(() => stack.close());

  test('a message is stored by one, embedded by another, and found by meaning', async ({ task }) => {
    const contents = ['My sister Ana moved to Lisbon in May.', 'Water the tomatoes.', 'The report is due on Friday.'];
    const acknowledged = new Map<string, string>();
    for (const content of contents) {
      const answer = await client.post('/v1/messages', message('main', content));
      expect(answer).toMatchObject({ status: 202, body: { embedding_status: 'pending' } });
      acknowledged.set(answer.body.id, content);
    }
    await untilEmbedded(stack.servers.db, 'main');
    const found = await client.post('/v1/memory/search', {
      tenant_id: 'main',
      query: 'Which city is my sibling living in?',
      mode: 'vector',
      top_k: 1,
    });
    expect(found).toMatchObject({ status: 200, body: { degraded: false, items: [{ content: contents[0] }] } });
    task.meta.ledger = await readLedger(stack.servers.db, 'main', { acknowledged, refused: 0 });
    expect(task.meta.ledger).toMatchObject({ stored: 3, embedded: 3, lost: 0 });
  });

  test('a request id is accepted, returned, and seen in the log of all that worked on it', async () => {
    const requestId = 'request-to-be-followed';
    const headers = { 'x-request-id': requestId };
    const answer = await client.call('POST', '/v1/messages', message('traced', 'Follow me.'), headers);
    expect(answer.headers.get('x-request-id')).toBe(requestId);
    await client.waitForStatus('traced', answer.body.id, 'completed');
    const ofRequest = (service: ServiceProcess) => service.logs().filter((line) => line['requestId'] === requestId);
    await expect
      .poll(() => ofRequest(services.embedWorker))
      .toMatchObject([{ msg: 'job', tenantId: 'traced', embedded: 1 }]);
    // Processes write their logs a tenth of a second late.
    await expect
      .poll(() => ofRequest(services.api))
      .toMatchObject([{ msg: 'request', path: '/v1/messages', status: 202 }]);
  });

  test('retention asked of the api is carried out by the retention worker', async () => {
    // The first scheduled run, which a start begins, would archive the message before the dry run sees it.
    const scheduled = () => services.retentionWorker.logs().map(({ msg }) => msg);
    await expect.poll(scheduled).toContain('retention scheduled');
    const created_at = '2020-01-01T00:00:00Z';
    const messages = [
      { ...message('retention', 'small talk'), created_at },
      { ...message('retention', 'keep this'), created_at, importance_override: 0.9 },
      message('retention', 'new'),
    ];
    expect((await client.post('/v1/messages/batch', { messages })).status).toBe(202);
    const dry = await client.post('/v1/admin/retention/run', { tenant_id: 'retention', dry_run: true });
    expect(dry).toMatchObject({ status: 200, body: { status: 'completed', archived: 1, dry_run: true } });
    const run = await client.post('/v1/admin/retention/run', { tenant_id: 'retention' });
    expect(run).toMatchObject({ status: 200, body: { status: 'completed', archived: 1, dry_run: false } });
    const left = await client.listAll('retention');
    expect(left.map(({ content }) => content)).toEqual(['keep this', 'new']);
    const { run_id: runId } = run.body;
    const ofRun = () => services.retentionWorker.logs().filter((line) => line['runId'] === runId);
    await expect.poll(ofRun).toMatchObject([
      { msg: 'retention run', outcome: 'completed', archived: 1 },
      { msg: 'job', job: 'run-retention', tenantId: 'retention', attempt: 1 },
    ]);
  });

  test('200 requests at once on a pool of 10 connections all succeed', async ({ task }) => {
    const acknowledged = new Map<string, string>();
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, n) =>
        n % 4 === 3
          ? client.get('/v1/memory/search?tenant_id=main&query=city')
          : client.post('/v1/messages', message('pool', `message ${n}`)),
      ),
    );
    for (const { status, body } of answers) if (status === 202) acknowledged.set(body.id, body.content);
    expect(answers.map(({ status }) => status)).toEqual(answers.map((_, n) => (n % 4 === 3 ? 200 : 202)));
    await untilEmbedded(stack.servers.db, 'pool');
    task.meta.ledger = await readLedger(stack.servers.db, 'pool', { acknowledged, refused: 0 });
    expect(task.meta.ledger).toMatchObject({ acknowledged: 150, stored: 150, embedded: 150, lost: 0 });
  });

  describe('watched from outside', () => {
    test.each(['api', 'embed-worker', 'retention-worker'])('the ops listener of the %s needs no key', async (name) => {
      const service = services.all.find((one) => one.name === name);
      expect((await service?.ops('/livez'))?.status).toBe(200);
      expect((await service?.ops('/readyz'))?.status).toBe(200);
      const scrape = await service?.ops('/metrics');
      expect(scrape?.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
      const families = parseExposition((await scrape?.text()) ?? '');
      expect(ownNames(families)).toEqual(metricNames);
      expect(families.get('process_start_time_seconds')).toBeGreaterThan(0);
      expect(families.get('memory_ready')).toBe(1);
      expect(families.get('memory_database_pool_waiting')).toBe(0);
      expect(families.get('memory_collector_up')).toBe(collectors[name]);
      expect(families.get(expectedMetric[name] ?? '')).toBeGreaterThan(0);
    });

    test('security: /metrics of the public listener wants the key', async () => {
      const anonymous = stack.clientOf(services.api, 'some-other-key-that-is-long');
      expect((await anonymous.get('/metrics')).status).toBe(401);
      expect((await fetch(`${services.api.url}/metrics`)).status).toBe(401);
      const scrape = await client.get('/metrics');
      expect(scrape.status).toBe(200);
      expect(ownNames(parseExposition(scrape.body))).toEqual(metricNames);
    });
  });
});

function message(tenant: string, content: string) {
  return { tenant_id: tenant, conversation_id: 'chat', role: 'user', content };
}

/** What dashboards and alerts know; every process has them all. */
const metricNames = [
  'aiml_embedding_job_duration_seconds',
  'aiml_embedding_jobs_total',
  'aiml_memory_search_latency_seconds',
  'aiml_memory_search_results',
  'aiml_memory_search_total',
  'aiml_messages_ingested_total',
  'aiml_request_latency_seconds',
  'aiml_requests_total',
  'memory_audit_events_lost_total',
  'memory_build_info',
  'memory_candidate_searches_total',
  'memory_circuit_breaker_state',
  'memory_collector_up',
  'memory_connections_closed_total',
  'memory_database_pool_connections',
  'memory_database_pool_waiting',
  'memory_embedding_batch_messages',
  'memory_embedding_messages_total',
  'memory_event_delay_seconds',
  'memory_event_loop_delay_seconds',
  'memory_event_streams',
  'memory_jobs_enqueued_total',
  'memory_jobs_failed_total',
  'memory_log_lines_dropped_total',
  'memory_oldest_pending_age_seconds',
  'memory_pending_messages',
  'memory_query_vectors_total',
  'memory_queue_jobs',
  'memory_rate_limited_total',
  'memory_read_replica_lag_seconds',
  'memory_read_replica_reads_total',
  'memory_read_replica_up',
  'memory_reads_refused_total',
  'memory_reads_waiting',
  'memory_ready',
  'memory_request_bodies_refused_total',
  'memory_request_body_bytes',
  'memory_rerank_total',
  'memory_retention_job_duration_seconds',
  'memory_retention_jobs_total',
  'memory_retention_rows_total',
  'memory_retention_runs_total',
  'memory_tenant_index_bytes',
  'memory_tenant_indexes',
  'memory_unread_answer_bytes',
  'memory_vector_index_build_duration_seconds',
  'memory_vector_index_builds_total',
  'memory_vector_index_tail_vectors',
  'memory_vector_index_vectors_total',
];

/** What a process asks others for at a scrape: its queues, and the pending rows. */
const collectors: Readonly<Record<string, number>> = { api: 3, 'embed-worker': 2, 'retention-worker': 1 };

function ownNames(families: ReadonlyMap<string, number>): string[] {
  return [...families.keys()].filter((name) => !/^(?:nodejs|process)_/.test(name)).toSorted();
}

/** What must have been counted in each process by the tests above. */
const expectedMetric: Readonly<Record<string, string>> = {
  api: 'aiml_messages_ingested_total',
  'embed-worker': 'memory_embedding_messages_total',
  'retention-worker': 'memory_retention_rows_total',
};

/**
 * Reads the Prometheus text format: families with the sum of their plain samples.
 * @throws for a line that is not of the format, or a sample of no family.
 */
function parseExposition(text: string): Map<string, number> {
  const families = new Map<string, number>();
  for (const line of text.split('\n').filter((one) => one !== '' && !one.startsWith('# HELP '))) {
    const family = /^# TYPE (\w+) (?:counter|gauge|histogram)$/.exec(line)?.[1];
    if (family !== undefined) {
      families.set(family, 0);
      continue;
    }
    const sample = /^(?<name>\w+)(?:\{(?:\w+="[^"]*",?)*\})? (?<value>[-+\d.e]+|Na[Nn]|[-+]Inf)$/.exec(line)?.groups;
    const name = sample?.['name'] ?? '';
    const owner = families.has(name) ? name : name.replace(/_(?:bucket|sum|count)$/, '');
    const sum = families.get(owner);
    if (sum === undefined) throw new Error(`not of the exposition format: ${line}`);
    families.set(owner, sum + (name === owner ? Number(sample?.['value']) : 0));
  }
  return families;
}
