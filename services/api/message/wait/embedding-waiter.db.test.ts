import { createLogger } from '@memory-layer/shared/observability/logger';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { embedPending } from '../../testing/embed-pending.ts';
import { startTestApi, type TestApi } from '../../testing/test-api.ts';
import { createEmbeddingStatusRepository } from './embedding-status.repository.ts';
import { EmbeddingWaiter } from './embedding-waiter.ts';

let api: TestApi;
let waiter: EmbeddingWaiter;
beforeAll(async () => {
  api = await startTestApi();
  const logger = createLogger({ service: 'test', level: 'silent' });
  waiter = new EmbeddingWaiter({ statuses: createEmbeddingStatusRepository(api.db), logger });
});
afterAll(async () => {
  waiter.close();
  await api.stop();
});

let tenants = 0;
const freshTenant = (): string => `waiting-${(tenants += 1)}`;

async function store(tenantId: string, ...contents: readonly string[]): Promise<string[]> {
  const messages = contents.map((content) => ({ tenant_id: tenantId, conversation_id: 'c', role: 'user', content }));
  const answer = await api.call('POST', '/v1/messages/batch', { body: { messages } });
  return answer.body.created.map((message: { id: string }) => message.id);
}

function wait(tenantId: string, ids: readonly string[], timeoutMs = 10_000) {
  const signal = new AbortController().signal;
  return waiter.waitUntilEmbedded(tenantId, ids, api.generation, { timeoutMs, signal });
}

const setFailed = (tenantId: string, id: string | undefined) =>
  sql`update embedding_pending set state = 'failed' where tenant_id = ${tenantId} and message_id = ${id}::uuid`.execute(
    api.db,
  );

describe('what becomes of a message', () => {
  test('is known once all are embedded or given up; what was deleted meanwhile is left out', async () => {
    const tenantId = freshTenant();
    const ids = await store(tenantId, 'one', 'two', 'three');
    const waiting = wait(tenantId, ids);
    await api.call('DELETE', `/v1/messages/${ids[2]}?tenant_id=${tenantId}`);
    await setFailed(tenantId, ids[1]);
    await embedPending(api, tenantId);
    expect(await waiting).toEqual(
      new Map([
        [ids[0], 'completed'],
        [ids[1], 'failed'],
      ]),
    );
  });

  test('is pending when the time is up', async () => {
    const tenantId = freshTenant();
    const ids = await store(tenantId, 'one');
    expect(await wait(tenantId, ids, 50)).toEqual(new Map([[ids[0], 'pending']]));
  });

  test('is not taken from a pending row of another generation', async () => {
    const tenantId = freshTenant();
    const [id = ''] = await store(tenantId, 'one');
    await embedPending(api, tenantId);
    await sql`insert into embedding_pending (tenant_id, message_id, generation, content_hash)
      values (${tenantId}, ${id}, ${api.generation + 1}, '')`.execute(api.db);
    expect(await wait(tenantId, [id])).toEqual(new Map([[id, 'completed']]));
  });

  test('security: tenant A cannot see what becomes of the messages of tenant B', async () => {
    const [tenantA, tenantB] = [freshTenant(), freshTenant()];
    const ids = await store(tenantB, 'done', 'pending');
    expect(await wait(tenantA, ids, 1000)).toEqual(new Map());
  });
});
