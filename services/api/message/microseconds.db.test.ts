import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { embedPending } from '../testing/embed-pending.ts';
import { expectProblem } from '../testing/expect-problem.ts';
import { createMemory } from '../testing/search-fixture.ts';
import { startTestApi, type TestApi } from '../testing/test-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());

let tenants = 0;
const freshTenant = () => `micro-${(tenants += 1)}`;
const message = (tenant_id: string, content: string, created_at: string, more: object = {}) => ({
  tenant_id,
  conversation_id: 'c',
  role: 'user',
  content,
  created_at,
  ...more,
});
const post = (body: object, headers = {}) => api.call('POST', '/v1/messages', { body, headers });
const ndjson = { 'content-type': 'application/x-ndjson' };
const importLine = (value: object) =>
  api.call('POST', '/v1/messages/import', { raw: JSON.stringify(value), headers: ndjson });

// Of one millisecond, and sent in another order.
const sent = [
  ['third', '2026-01-31T12:00:00.123457Z'],
  ['first', '2026-01-31T12:00:00.123Z'],
  ['fourth', '2026-01-31T13:00:00.123999+01:00'],
  ['second', '2026-01-31T12:00:00.123456Z'],
] as const;
const inOrder = ['first', 'second', 'third', 'fourth'];
const answered = [
  '2026-01-31T12:00:00.123Z',
  '2026-01-31T12:00:00.123456Z',
  '2026-01-31T12:00:00.123457Z',
  '2026-01-31T12:00:00.123999Z',
];

describe('messages of one millisecond', () => {
  test('are listed in their order, page by page, with their times as they were sent', async () => {
    const tenant = freshTenant();
    await api.call('POST', '/v1/messages/batch', { body: { messages: sent.map(([c, at]) => message(tenant, c, at)) } });
    for (const order of ['asc', 'desc']) {
      const items: { content: string; created_at: string }[] = [];
      let cursor = '';
      do {
        const page = await api.call('GET', `/v1/messages?tenant_id=${tenant}&limit=1&order=${order}${cursor}`);
        items.push(...page.body.items);
        cursor = page.body.next_cursor === null ? '' : `&cursor=${page.body.next_cursor}`;
      } while (cursor !== '' && items.length < 10);
      if (order === 'desc') items.reverse();
      expect(items.map(({ content }) => content)).toEqual(inOrder);
      expect(items.map(({ created_at }) => created_at)).toEqual(answered);
    }
  });

  test('are neighbours and hits in their order, found from one microsecond to before another', async () => {
    const memory = createMemory(() => api);
    await memory.store(...sent.map(([content, created_at]) => ({ content: `garden ${content}`, created_at })));
    await memory.embed();
    const within = { created_after: '2026-01-31T12:00:00.123456Z', created_before: '2026-01-31T12:00:00.123999Z' };
    for (const mode of ['vector', 'lexical', 'hybrid']) {
      const found = await memory.search('garden', { mode, ...within });
      expect(found.items.map(({ created_at }) => created_at).toSorted()).toEqual([answered[1], answered[2]]);
    }
    const answer = await api.call('POST', '/v1/memory/search', {
      body: { tenant_id: memory.tenantId, query: 'second', mode: 'lexical', neighbours: 2 },
    });
    const [hit] = answer.body.items;
    const [before, after] = [hit.neighbours.before, hit.neighbours.after];
    expect(before.map((neighbour: { created_at: string }) => neighbour.created_at)).toEqual([answered[0]]);
    expect(after.map((neighbour: { created_at: string }) => neighbour.created_at)).toEqual(answered.slice(2));
  });
});

describe('a time with microseconds', () => {
  const created = '2026-01-31T12:00:00.000001Z';
  const expires = '2030-01-31T12:00:00.100002Z';

  test('is answered as it was sent, by every way of storing and reading', async () => {
    const tenant = freshTenant();
    const body = message(tenant, 'garden', created, { expires_at: expires, external_id: 'a' });
    const headers = { 'idempotency-key': 'one' };
    const times = { created_at: created, expires_at: expires };
    const first = await post(body, headers);
    expect(first.body).toMatchObject(times);
    expect((await post(body, headers)).body).toMatchObject(times);
    expect((await post(body)).body).toMatchObject({ duplicate: true, ...times });
    expect((await api.call('GET', `/v1/messages/${first.body.id}?tenant_id=${tenant}`)).body).toMatchObject(times);
    await importLine(message(tenant, 'imported', created));
    const listed = await api.call('GET', `/v1/messages?tenant_id=${tenant}`);
    expect(listed.body.items.map((item: { created_at: string }) => item.created_at)).toEqual([created, created]);
    await embedPending(api, tenant);
    const { rows } = await sql<{ at: string }>`
      select distinct to_char(created_at at time zone 'UTC', 'SS.US') as at from embedding where tenant_id = ${tenant}
    `.execute(api.db);
    expect(rows).toEqual([{ at: '00.000001' }]);
  });

  test('may have six digits of a second; one of more is refused, and the field is named', async () => {
    const tenant = freshTenant();
    const tooPrecise = '2026-01-31T12:00:00.1234567Z';
    for (const name of ['created_at', 'expires_at']) {
      const bad = { ...message(tenant, 'garden', created), [name]: tooPrecise };
      expectProblem(await post(bad), 'invalid_request', [{ in: 'body', pointer: `/${name}` }]);
      const batch = await api.call('POST', '/v1/messages/batch', { body: { messages: [bad] } });
      expect(batch.body.errors).toMatchObject([{ errors: [{ pointer: `/messages/0/${name}` }] }]);
      expect(JSON.parse((await importLine(bad)).text.split('\n')[0] ?? '')).toMatchObject({
        status: 'error',
        errors: [{ pointer: `/${name}` }],
      });
    }
    for (const name of ['created_after', 'created_before']) {
      const search = { tenant_id: tenant, query: 'garden', [name]: tooPrecise };
      const answer = await api.call('POST', '/v1/memory/search', { body: search });
      expectProblem(answer, 'invalid_request', [{ in: 'body', pointer: `/${name}` }]);
      expect(answer.body.detail).toContain('6 digits');
    }
  });
});
