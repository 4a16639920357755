import { Database } from '@memory-layer/shared/db/database';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Call } from '../testing/call.ts';
import { keys, startTestApi, type TestApi } from '../testing/test-api.ts';
import { HttpServer } from './http-server.ts';

const tenant_id = 'acme';

let api: TestApi;
let message: string;
beforeAll(async () => {
  api = await startTestApi({ requestTimeoutMs: 1000 });
  const { body } = await api.call('POST', '/v1/messages', {
    body: { tenant_id, conversation_id: 'c', role: 'user', content: 'the cat sat on the mat' },
  });
  message = body.id;
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((database) => database.stop()));
});
afterAll(() => api.stop());

const search = (call: Call) => call('GET', `/v1/memory/search?tenant_id=${tenant_id}&query=cat`);

/** Every statement of these waits for the lock. */
const reads: Readonly<Record<string, (call: Call) => ReturnType<Call>>> = {
  'a search': search,
  'a search with a filter': (call) =>
    call('POST', '/v1/memory/search', { body: { tenant_id, query: 'cat', roles: ['user'] } }),
  'a search by meaning': (call) =>
    call('POST', '/v1/memory/search', { body: { tenant_id, query: 'cat', mode: 'vector' } }),
  'a list of messages': (call) => call('GET', `/v1/messages?tenant_id=${tenant_id}`),
  'a message': (call) => call('GET', `/v1/messages/${message}?tenant_id=${tenant_id}`),
  'a list of failures': (call) => call('GET', `/v1/admin/embeddings/failed?tenant_id=${tenant_id}`),
  'a delete': (call) => call('DELETE', `/v1/messages/${message}?tenant_id=${tenant_id}`),
  'a retention run': (call) =>
    call('GET', `/v1/admin/retention/runs/0192f0c1-2a3b-7c4d-8e5f-6a7b8c9d0e1f?tenant_id=${tenant_id}`),
};

/** Locks what is read, until its release is called. */
async function lockTables(): Promise<{ release(): Promise<void> }> {
  const locked = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const held = open()
    .queries.transaction()
    .execute(async (transaction) => {
      await sql`lock table message, embedding_pending, retention_run in access exclusive mode`.execute(transaction);
      locked.resolve();
      await released.promise;
    });
  await locked.promise;
  return {
    release() {
      released.resolve();
      return held;
    },
  };
}

/** What is remembered is asked for all who search, and so not cancelled. Nothing is remembered of so small a tenant. */
async function warmUp(call: Call): Promise<void> {
  await expect.poll(async () => (await search(call)).status, { timeout: 20_000 }).toBe(200);
}

test.each(Object.entries(reads))('%s that is late is answered with 504, and its statement is gone', async (_, read) => {
  const database = open();
  const call = api.over(database);
  await warmUp(call);
  const lock = await lockTables();
  try {
    const answers = await Promise.all([1, 2, 3].map(() => read(call)));
    expect(answers.map(({ status, body }) => [status, body.code])).toEqual(
      Array.from({ length: 3 }, () => [504, 'deadline_exceeded']),
    );
    await expect.poll(() => inUse(database)).toEqual({ busy: 0, waiting: 0 });
  } finally {
    await lock.release();
  }
});

test('a client that goes away takes its statement with it, and that is no error', async () => {
  const database = open();
  const patient = await startTestApi();
  const { fetch: fetchOver, call } = patient.appOver(database);
  const server = new HttpServer({ fetch: fetchOver, host: '127.0.0.1', port: 0, readiness: patient.readiness });
  await server.start();
  await warmUp(call);
  const lock = await lockTables();
  try {
    for (const path of [`/v1/messages?tenant_id=${tenant_id}`, `/v1/memory/search?tenant_id=${tenant_id}&query=cat`]) {
      const client = new AbortController();
      const answer = fetch(server.url + path, { headers: { 'x-api-key': keys.unbound }, signal: client.signal });
      await expect.poll(() => inUse(database).busy).toBeGreaterThan(0);
      client.abort();
      await expect(answer).rejects.toThrow();
      await expect.poll(() => inUse(database)).toEqual({ busy: 0, waiting: 0 });
    }
    expect(patient.logLines.filter((line) => line.includes('"level":"error"'))).toEqual([]);
  } finally {
    await lock.release();
    await server.stop();
    await patient.stop();
  }
});

test('what was not deleted in time is still there', async () => {
  const answer = await api.call('GET', `/v1/messages/${message}?tenant_id=${tenant_id}`);
  expect(answer.status).toBe(200);
});

test('a read that the database itself ends is answered with 504, a write with 503', async () => {
  const database = open({ statementTimeoutMs: 50 });
  const call = api.over(database);
  const lock = await lockTables();
  try {
    const read = await call('GET', `/v1/messages?tenant_id=${tenant_id}`);
    expect([read.status, read.body.code]).toEqual([504, 'deadline_exceeded']);
    const written = await call('POST', '/v1/messages', {
      body: { tenant_id, conversation_id: 'c', role: 'user', content: 'not stored' },
    });
    expect([written.status, written.body.code]).toEqual([503, 'unavailable']);
    expect(written.headers.get('retry-after')).not.toBeNull();
  } finally {
    await lock.release();
  }
});

const opened: Database[] = [];

function open(options: { readonly statementTimeoutMs?: number } = {}): Database {
  const database = new Database({
    connection: api.connection,
    poolSize: 4,
    acquireTimeoutMs: 20_000,
    applicationName: 'cancelled',
    onConnectionError: () => undefined,
    ...options,
  });
  opened.push(database);
  return database;
}

function inUse(database: Database): { busy: number; waiting: number } {
  const { total, idle, waiting } = database.poolUse();
  return { busy: total - idle, waiting };
}
