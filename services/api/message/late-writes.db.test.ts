import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Answer } from '../testing/call.ts';
import { startTestApi, type TestApi } from '../testing/test-api.ts';

const requestTimeoutMs = 1500;
let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({ requestTimeoutMs });
});
afterAll(() => api.stop());

let tenants = 0;
const freshTenant = () => `late-${(tenants += 1)}`;
const message = (tenant_id: string, content = 'hello') => ({ tenant_id, conversation_id: 'c', role: 'user', content });
const routes = [
  ['/v1/messages', (tenantId: string) => message(tenantId)],
  ['/v1/messages/batch', (tenantId: string) => ({ messages: [message(tenantId), message(tenantId)] })],
] as const;

async function countStored(tenantId: string): Promise<number> {
  return (await api.db.selectFrom('message').select('id').where('tenant_id', '=', tenantId).execute()).length;
}

/** Does what it is given while no write can go on, and lets them go on after that. */
async function whileWritesWait<T>(work: () => Promise<T>): Promise<T> {
  return api.db.transaction().execute(async (transaction) => {
    await sql`lock table message in exclusive mode`.execute(transaction);
    return work();
  });
}

const nothingStored = { code: 'unavailable', detail: expect.stringContaining('Nothing of this request was stored') };

describe.each(routes)('POST %s, when its time is up', (path, bodyOf) => {
  test('while its statement runs, answers with what became of it', async () => {
    const tenantId = freshTenant();
    const answer: { promise?: Promise<Answer> } = {};
    await whileWritesWait(async () => {
      answer.promise = api.call('POST', path, { body: bodyOf(tenantId) });
      await sleep(requestTimeoutMs + 300);
    });
    expect((await answer.promise)?.status).toBe(202);
    expect(await countStored(tenantId)).toBeGreaterThan(0);
  });

  test('while it waits for a writer, says that nothing was stored, and nothing is', async () => {
    const [first, tenantId] = [freshTenant(), freshTenant()];
    const outcome = await whileWritesWait(async () => {
      const running = api.call('POST', '/v1/messages', { body: message(first) });
      await sleep(100);
      return { running, answer: await api.call('POST', path, { body: bodyOf(tenantId) }) };
    });
    expect(outcome.answer).toMatchObject({ status: 503, body: nothingStored });
    expect(outcome.answer.headers.get('retry-after')).toBe('1');
    expect((await outcome.running).status).toBe(202);
    expect(await countStored(tenantId)).toBe(0);
  });

  test('while its body is on the way, says that nothing was stored', async () => {
    const raw = new ReadableStream<Uint8Array>({ start: (input) => input.enqueue(new TextEncoder().encode('{')) });
    const answer = await api.call('POST', path, { raw });
    expect(answer).toMatchObject({ status: 503, body: nothingStored });
  });

  test('while it waits for embeddings, says what is known', async () => {
    const patient = await startTestApi({ requestTimeoutMs: 2500 });
    try {
      const tenantId = freshTenant();
      const answer: { promise?: Promise<Answer> } = {};
      await patient.db.transaction().execute(async (transaction) => {
        await sql`lock table message in exclusive mode`.execute(transaction);
        answer.promise = patient.call('POST', path, { body: bodyOf(tenantId), headers: { prefer: 'wait=60' } });
        await sleep(1800);
      });
      // What is left of its time is less than the wait that it asked for.
      expect(await answer.promise).toMatchObject({ status: 202 });
    } finally {
      await patient.stop();
    }
  });
});

test('a read whose time is up is still answered 504', async () => {
  const answer = await api.db.transaction().execute(async (transaction) => {
    await sql`lock table message in access exclusive mode`.execute(transaction);
    return api.call('GET', '/v1/messages?tenant_id=late');
  });
  expect(answer).toMatchObject({ status: 504, body: { code: 'deadline_exceeded' } });
});
