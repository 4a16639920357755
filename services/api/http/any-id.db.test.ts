import { nonEmpty } from '@memory-layer/shared/testing/non-empty';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { embedPending } from '../testing/embed-pending.ts';
import { startTestApi, type TestApi } from '../testing/test-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());

/** Ids as people have them, and such as were made to be taken for one another. */
const spellings = nonEmpty([
  'auth0|a1',
  'ana@example.org',
  'ana+tag@example.org',
  '4915112345678@s.whatsapp.net',
  'C024:1714',
  '!room:server',
  '42',
  '042',
  'a',
  'A',
  'a 3',
  'a 5',
  'a  5',
  'a%205',
  'a%20 5',
  'a+5',
  'a.1',
  'a.1.2',
  'a/b',
  'a//b',
  'a\\b',
  "a'b",
  'a"b',
  'a,b',
  'a;b',
  'a:b',
  'a&tenant_id=b',
  'a#b',
  'a?b',
  '{a}',
  '*',
  '%',
  '%25',
  '$1',
  "'; drop table message; --",
  '__proto__',
  'constructor',
  '..',
  'null',
  '\u00e1',
  'a\u0301',
  'ﬁ',
  'fi',
  'a\u200bb',
  '日本',
  '\u202eabc',
  '\u{1f469}\u200d\u{1f680}',
  '\u{1f469}\u{1f680}',
  'x'.repeat(128),
  '\u{10400}'.repeat(128),
]);

const message = { role: 'user', content: 'The ferry leaves at nine.' };
const of = (tenantId: string, more = '') => `tenant_id=${encodeURIComponent(tenantId)}${more}`;

interface Item {
  readonly id: string;
  readonly message_id: string;
}

async function idsOf(path: string, name: 'id' | 'message_id' = 'id'): Promise<string[]> {
  const answer = await api.call('GET', path);
  expect(answer).toMatchObject({ status: 200 });
  return answer.body.items.map((item: Item) => item[name]);
}

describe('security: tenants of like ids never reach what is another one’s', () => {
  const stored = new Map<string, string>();

  beforeAll(async () => {
    for (const tenantId of spellings) {
      // The same words, the same names, the same key: of each tenant they are its own.
      const body = { ...message, tenant_id: tenantId, conversation_id: 'c', external_id: 'e' };
      const answer = await api.call('POST', '/v1/messages', { body, headers: { 'idempotency-key': 'k' } });
      if (answer.status !== 202 || answer.body.tenant_id !== tenantId) throw new Error(`${tenantId}: ${answer.text}`);
      stored.set(tenantId, answer.body.id);
      await embedPending(api, tenantId);
    }
  });

  test.each(spellings)('%j', async (tenantId) => {
    const own = [stored.get(tenantId)];
    expect(await idsOf(`/v1/messages?${of(tenantId)}`)).toEqual(own);
    for (const mode of ['hybrid', 'vector', 'lexical']) {
      const search = `/v1/memory/search?${of(tenantId, `&query=ferry&mode=${mode}`)}`;
      expect(await idsOf(search, 'message_id')).toEqual(own);
    }
  });

  test('a message is read and deleted by its own tenant alone', async () => {
    const [first, ...others] = spellings;
    const path = `/v1/messages/${stored.get(first ?? '')}`;
    for (const other of nonEmpty(others)) {
      expect(await api.call('GET', `${path}?${of(other)}`)).toMatchObject({ status: 404 });
      expect(await api.call('DELETE', `${path}?${of(other)}`)).toMatchObject({ status: 404 });
    }
    expect(await api.call('GET', `${path}?${of(first ?? '')}`)).toMatchObject({ status: 200 });
  });

  test('all of them in one batch, sent again: each is answered its own', async () => {
    const messages = spellings.map((tenant_id) => ({ ...message, tenant_id, conversation_id: 'c', external_id: 'e' }));
    const answer = await api.call('POST', '/v1/messages/batch', { body: { messages } });
    const known = answer.body.created.map((one: Item & { tenant_id: string }) => [one.tenant_id, one.id]);
    expect(new Map(known)).toEqual(stored);
  });

  test('no two of them share a scope of the index of words', async () => {
    const { rows } = await sql<{ scope: string; tenants: number }>`
      select scope, count(distinct tenant_id)::int as tenants
      from message, unnest(message_scope(tenant_id, search_vector)) scope group by scope having count(distinct tenant_id) > 1
    `.execute(api.db);
    expect(rows).toEqual([]);
  });

  test('workers are notified of each of them', () => {
    const notified = new Set(api.notifications.map(({ tenantId }) => tenantId));
    expect(spellings.filter((tenantId) => !notified.has(tenantId))).toEqual([]);
  });
});

describe('security: an id with a slash is not taken for another with an external id', () => {
  test.each([
    ['x/y', 'z', 'x', 'y/z'],
    ['x y', 'z', 'x', 'y z'],
    ['x.y', 'z', 'x', 'y.z'],
  ])('%s and %s, %s and %s', async (oneTenant, oneId, otherTenant, otherId) => {
    const messages = [
      { ...message, tenant_id: oneTenant, conversation_id: 'c', external_id: oneId },
      { ...message, tenant_id: otherTenant, conversation_id: 'c', external_id: otherId },
    ];
    const first = await api.call('POST', '/v1/messages/batch', { body: { messages } });
    const again = await api.call('POST', '/v1/messages/batch', { body: { messages } });
    expect(first).toMatchObject({ status: 202, body: { errors: [] } });
    const named = (answer: typeof first) => answer.body.created.map((one: { tenant_id: string }) => one.tenant_id);
    const ids = (answer: typeof first) => answer.body.created.map((one: Item) => one.id);
    expect(named(again)).toEqual([oneTenant, otherTenant]);
    expect(ids(again)).toEqual(ids(first));
    expect(new Set(ids(again)).size).toBe(2);
  });
});

test('security: conversations of like ids are not taken for one another', async () => {
  const messages = spellings.map((conversation_id) => ({ ...message, tenant_id: 'rooms', conversation_id }));
  const answer = await api.call('POST', '/v1/messages/batch', { body: { messages } });
  expect(answer).toMatchObject({ status: 202, body: { errors: [] } });
  await embedPending(api, 'rooms');
  for (const [n, conversationId] of spellings.entries()) {
    const own = [answer.body.created[n].id];
    const room = `&conversation_id=${encodeURIComponent(conversationId)}`;
    expect(await idsOf(`/v1/messages?${of('rooms', room)}`)).toEqual(own);
    expect(await idsOf(`/v1/memory/search?${of('rooms', `&query=ferry${room}`)}`, 'message_id')).toEqual(own);
  }
});
