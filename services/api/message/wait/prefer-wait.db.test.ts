import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { embedPending } from '../../testing/embed-pending.ts';
import { startTestApi, type TestApi } from '../../testing/test-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({ requestTimeoutMs: 3000 });
});
afterAll(() => api.stop());

let tenants = 0;
const freshTenant = () => `wait-${(tenants += 1)}`;
const message = (tenant_id: string, more: object = {}) => ({
  tenant_id,
  conversation_id: 'c',
  role: 'user',
  content: 'hello',
  ...more,
});
const headers = { prefer: 'wait=30' };
const stored = async (tenantId: string) =>
  (await api.db.selectFrom('embedding_pending').select('message_id').where('tenant_id', '=', tenantId).execute())
    .length > 0;

/** Embeds what is stored for a tenant, once something is. */
async function embedSoon(tenantId: string): Promise<void> {
  await expect.poll(() => stored(tenantId)).toBe(true);
  await embedPending(api, tenantId);
}

describe('Prefer: wait', () => {
  test('answers when the message is embedded, with 200, and says for how long it would have waited', async () => {
    const tenant = freshTenant();
    const [answer] = await Promise.all([
      api.call('POST', '/v1/messages', { body: message(tenant), headers }),
      embedSoon(tenant),
    ]);
    expect(answer).toMatchObject({ status: 200, body: { embedding_status: 'completed' } });
    expect(answer.headers.get('preference-applied')).toBe('wait=2');
  });

  test('answers honestly when the time is up', async () => {
    const answer = await api.call('POST', '/v1/messages', {
      body: message(freshTenant()),
      headers: { prefer: 'wait=1' },
    });
    expect(answer).toMatchObject({ status: 202, body: { embedding_status: 'pending' } });
    expect(answer.headers.get('preference-applied')).toBe('wait=1');
  });

  test('of a batch waits for all of its messages, of all tenants', async () => {
    const [one, two] = [freshTenant(), freshTenant()];
    const body = { messages: [message(one), message(two), message(one, { role: 'nobody' }), message(two)] };
    const [answer] = await Promise.all([
      api.call('POST', '/v1/messages/batch', { body, headers }),
      embedSoon(one),
      embedSoon(two),
    ]);
    expect(answer.status).toBe(207);
    const statuses = answer.body.created.map((created: { embedding_status: string }) => created.embedding_status);
    expect(statuses).toEqual(['completed', 'completed', 'completed']);
  });

  test('waits for a duplicate that is still pending', async () => {
    const tenant = freshTenant();
    const body = message(tenant, { external_id: 'a' });
    await api.call('POST', '/v1/messages', { body });
    const [answer] = await Promise.all([api.call('POST', '/v1/messages', { body, headers }), embedSoon(tenant)]);
    expect(answer).toMatchObject({ status: 200, body: { duplicate: true, embedding_status: 'completed' } });
  });

  test('is not for an answer of before, nor for preferences that are not a wait', async () => {
    const body = message(freshTenant());
    const send = (more: Record<string, string>) =>
      api.call('POST', '/v1/messages', { body, headers: { 'idempotency-key': 'k', ...more } });
    const first = await send({ prefer: 'wait=soon, return=minimal' });
    const again = await send(headers);
    expect([first.status, again.status]).toEqual([202, 202]);
    expect(again.body).toEqual(first.body);
    for (const answer of [first, again]) expect(answer.headers.has('preference-applied')).toBe(false);
  });
});
