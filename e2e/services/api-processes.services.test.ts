import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { runSql } from '@memory-layer/shared/testing/run-sql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually, readLedger } from './ledger.ts';
import { startLoad } from './load.ts';
import type { ServiceProcess } from './service-process.ts';
import { freePort, serversAreGiven, useGivenServers } from './servers.ts';
import { createStack, type Stack } from './stack.ts';

const twoProcesses = { MEMORY_API_PROCESSES: '2' };

function processesOf({ pid }: ServiceProcess): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
}

async function metricsOf(api: ServiceProcess): Promise<string> {
  const answer = await api.ops('/metrics');
  return (await answer?.text()) ?? '';
}

/** The value of a series; 0 when it is not there. */
function valueOf(metrics: string, series: string): number {
  const line = metrics.split('\n').find((one) => one.startsWith(`${series} `));
  return Number(line?.slice(series.length + 1) ?? 0);
}

const stored = 'aiml_messages_ingested_total{role="user",mode="single"}';

describe.skipIf(!serversAreGiven)('an api of two processes', () => {
  let stack: Stack;
  let api: ServiceProcess;

  beforeAll(async () => {
    stack = await createStack(await useGivenServers());
    api = await stack.start('api', twoProcesses);
  });
  afterAll(() => stack.close());

  const post = (n: number, tenantId: string) =>
    fetch(`${api.url}/v1/messages`, {
      method: 'POST',
      // A connection for each, so that both processes have some.
      headers: { 'x-api-key': stack.apiKey, 'content-type': 'application/json', connection: 'close' },
      body: JSON.stringify({ tenant_id: tenantId, conversation_id: 'c', role: 'user', content: `message ${n}` }),
    });

  test('shares the requests, and shows the metrics of both as one', async () => {
    const before = valueOf(await metricsOf(api), stored);
    const answers = await Promise.all(Array.from({ length: 40 }, (_, n) => post(n, 'sum')));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
    const metrics = await metricsOf(api);
    expect(valueOf(metrics, stored) - before).toBe(40);
    const requests = 'aiml_request_latency_seconds_count{method="POST",path="/v1/messages"}';
    expect(valueOf(metrics, requests)).toBe(40);
    expect(valueOf(metrics, 'memory_ready')).toBe(1);
    expect(valueOf(metrics, 'memory_api_processes{state="wanted"}')).toBe(2);
    // Of the table, which both see.
    const pending = 'memory_pending_messages{state="pending"}';
    await eventually('what waits is counted once', async () => valueOf(await metricsOf(api), pending) === 40);
    expect(valueOf(metrics, 'process_start_time_seconds')).toBeGreaterThan(1e9);

    const logged = () =>
      new Set(
        api
          .logs()
          .filter(({ msg }) => msg === 'request')
          .map((line) => line['process']),
      );
    await eventually('both have logged requests', async () => logged().size === 2);
    expect(logged()).toEqual(new Set([1, 2]));

    const overHttp = await fetch(`${api.url}/metrics`, { headers: { 'x-api-key': stack.apiKey } });
    expect(valueOf(await overHttp.text(), stored) - before).toBe(40);
  });

  test('has no more database connections than one process', async () => {
    await Promise.all(Array.from({ length: 200 }, (_, n) => post(n, 'pool')));
    const text = `select 1 from pg_stat_activity
      where datname = current_database() and application_name = 'memory-layer api'`;
    const { length } = await runSql(stack.servers.db, text);
    expect(length).toBeGreaterThan(1);
    expect(length).toBeLessThanOrEqual(20);
  });

  test('a process that is killed loses nothing acknowledged, is replaced, and its counts stay', async ({ task }) => {
    const load = startLoad(stack.clientOf(api), { tenantId: 'killed', senders: 16, pauseMs: 5 });
    await load.untilAnswered(202, 100);
    const before = valueOf(await metricsOf(api), stored);
    const [victim = 0] = processesOf(api);
    process.kill(victim, 'SIGKILL');
    await load.untilAnswered(202, 100);
    expect(valueOf(await metricsOf(api), stored)).toBeGreaterThan(before);
    await eventually('another one takes its place', async () => {
      const pids = processesOf(api);
      return pids.length === 2 && !pids.includes(victim) && (await api.ops('/readyz'))?.status === 200;
    });
    await load.untilAnswered(202, 50);
    const sent = await load.stop();
    expect(Object.keys(sent.statuses)).toEqual(['200', '202']);
    task.meta.ledger = await readLedger(stack.servers.db, 'killed', sent);
    expect(task.meta.ledger).toMatchObject({ acknowledged: sent.acknowledged.size, lost: 0 });
    expect(valueOf(await metricsOf(api), 'memory_api_processes_ended_total{reason="failed"}')).toBe(1);
  });

  test('SIGHUP replaces both under load, and no request is refused', async ({ task }) => {
    const before = processesOf(api);
    const storedBefore = valueOf(await metricsOf(api), stored);
    const load = startLoad(stack.clientOf(api), { tenantId: 'restart', senders: 16, pauseMs: 5 });
    await load.untilAnswered(202, 50);
    let opened = 0;
    const opening = new AbortController();
    const openers = Array.from({ length: 4 }, async () => {
      while (!opening.signal.aborted) {
        opened += 1;
        const { status } = await post(opened, 'restart-connections');
        if (status !== 202) throw new Error(`a new connection was answered ${status}`);
      }
    });
    let readiness = new Set<number | undefined>();
    api.send('SIGHUP');
    await eventually('both are others', async () => {
      readiness = readiness.add((await api.ops('/readyz'))?.status);
      return processesOf(api).length === 2 && !processesOf(api).some((pid) => before.includes(pid));
    });
    opening.abort();
    await Promise.all(openers);
    await load.untilAnswered(202, 50);
    const sent = await load.stop();
    expect(Object.keys(sent.statuses)).toEqual(['200', '202']);
    expect(sent.unanswered).toEqual(new Map());
    expect(readiness).toEqual(new Set([200]));
    task.meta.ledger = await readLedger(stack.servers.db, 'restart', sent);
    expect(task.meta.ledger).toMatchObject({ acknowledged: sent.acknowledged.size, lost: 0 });

    const metrics = await metricsOf(api);
    const singles = await runSql(stack.servers.db, `select 1 from message where tenant_id = 'restart-connections'`);
    expect(singles).toHaveLength(opened);
    expect(valueOf(metrics, stored)).toBeGreaterThanOrEqual(storedBefore + opened);
    expect(valueOf(metrics, 'memory_api_processes_ended_total{reason="restarted"}')).toBe(2);
  });

  test('SIGTERM ends both in order, and what they have accepted is answered', async ({ task }) => {
    const own = await stack.start('api', twoProcesses);
    const load = startLoad(stack.clientOf(own), { tenantId: 'ended', senders: 16, pauseMs: 5 });
    await load.untilAnswered(202, 100);
    expect(await own.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    const sent = await load.stop();
    expect(Object.keys(sent.statuses)).toEqual(['200', '202']);
    const seen = new Set(own.logs().map(({ requestId }) => requestId));
    expect([...sent.unanswered.keys()].filter((requestId) => seen.has(requestId))).toEqual([]);
    task.meta.ledger = await readLedger(stack.servers.db, 'ended', sent);
    expect(task.meta.ledger).toMatchObject({ acknowledged: sent.acknowledged.size, lost: 0 });
  });

  test('SIGTERM ends it in order while it waits for the database, and the port answers until then', async () => {
    const nowhere = `postgres://memory@127.0.0.1:${await freePort()}/memory`;
    const own = await stack.spawn('api', { ...twoProcesses, MEMORY_DATABASE_URL: nowhere });
    await eventually('it waits', async () => own.logs().some(({ msg }) => msg === 'waiting for the database'));
    expect((await own.ops('/readyz'))?.status).toBe(503);
    expect((await fetch(`${own.url}/readyz`)).status).toBe(503);
    expect(await own.kill('SIGTERM')).toEqual({ code: 0, signal: null });
  });

  test('what keeps a process from starting ends all of them with its exit code and one line', async () => {
    const port = await freePort();
    const other = createServer().listen(port, '127.0.0.1');
    await once(other, 'listening');
    const taken = await stack.spawn('api', { ...twoProcesses, MEMORY_PORT: String(port) });
    expect(await taken.ended()).toEqual({ code: 2, signal: null });
    other.close();
    expect(plainLines(taken)).toEqual([expect.stringMatching(/^invalid configuration: MEMORY_PORT: port \d+ /)]);

    const few = await stack.spawn('api', { MEMORY_API_PROCESSES: '3', MEMORY_DATABASE_POOL_SIZE: '2' });
    expect(await few.ended()).toEqual({ code: 2, signal: null });
    expect(plainLines(few)).toEqual([expect.stringContaining('MEMORY_DATABASE_POOL_SIZE: must be at least 3')]);
  });
});

/** What it has printed besides its log. */
function plainLines(service: ServiceProcess): string[] {
  return service
    .output()
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('{'));
}
