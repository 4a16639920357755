import { eventually } from '@memory-layer/shared/testing/eventually';
import { nonEmpty } from '@memory-layer/shared/testing/non-empty';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { composeAccess } from '../compose-access.ts';
import type { Call } from '../testing/call.ts';
import { expectProblem } from '../testing/expect-problem.ts';
import { keys, startTestApi, type TestApi } from '../testing/test-api.ts';
import { LimitedTenants } from './limited-tenants.ts';
import { TenantMeter } from './tenant-meter.ts';
import { createTenantUsageRepository } from './tenant-usage.repository.ts';
import { createTenantRepository } from './tenant.repository.ts';

const path = '/v1/admin/tenants';

let api: TestApi;
/** The same api with a memory of its own, as another process has it. */
let other: Call;
beforeAll(async () => {
  api = await startTestApi();
  other = api.appOver(api.database).call;
});
afterAll(() => api.stop());

let made = 0;
async function register(quotas?: object): Promise<string> {
  const tenant_id = `tenant-${String((made += 1)).padStart(3, '0')}`;
  const answer = await api.call('POST', path, { body: { tenant_id, ...(quotas && { quotas }) } });
  expect(answer.status).toBe(201);
  return tenant_id;
}

const message = { conversation_id: 'c', role: 'user', content: 'hello' };
const store = (tenant_id: string, call: Call = api.call) =>
  call('POST', '/v1/messages', { body: { ...message, tenant_id } });
const list = (tenantId: string, call: Call = api.call) => call('GET', `/v1/messages?tenant_id=${tenantId}`);
const at = (tenantId: string, action = '') => `${path}/${encodeURIComponent(tenantId)}${action}`;
const setQuotas = (tenantId: string, body: object) => api.call('PUT', at(tenantId, '/quotas'), { body });

describe('a tenant', () => {
  test('is registered once, and is there with its first message, too', async () => {
    const tenantId = await register();
    expectProblem(await api.call('POST', path, { body: { tenant_id: tenantId } }), 'conflict');
    expect((await store('auth0|first')).status).toBe(202);
    expect((await api.call('GET', at('auth0|first'))).body).toMatchObject({
      tenant_id: 'auth0|first',
      status: 'active',
    });
  });

  test('is read with what it has', async () => {
    const tenantId = await register();
    const body = { messages: [1, 2, 3].map((n) => ({ ...message, content: 'x'.repeat(n), tenant_id: tenantId })) };
    expect((await api.call('POST', '/v1/messages/batch', { body })).status).toBe(202);
    const key = { name: 'one', tenant_ids: [tenantId], scopes: ['search'] };
    await api.call('POST', '/v1/admin/keys', { body: key });
    const { body: read } = await api.call('GET', at(tenantId));
    expect(read).toMatchObject({ quotas: { max_messages: null }, usage: { messages: 3, keys: 1, is_at_least: false } });
    expect(read.usage.bytes).toBeGreaterThanOrEqual(6);
    expectProblem(await api.call('GET', at('nobody')), 'not_found');
  });

  test('is listed in the order of the ids, page by page', async () => {
    const ids = [await register(), await register(), await register()];
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const { body } = await api.call(
        'GET',
        `${path}?limit=2${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`,
      );
      seen.push(...body.items.map((item: { tenant_id: string }) => item.tenant_id));
      cursor = body.next_cursor;
    }
    expect(seen).toEqual(expect.arrayContaining(ids));
    expect(seen).toEqual([...new Set(seen)].toSorted());
  });
});

describe('suspending a tenant', () => {
  test('refuses what would change it, here at once and in another process within 2 s; reads go on', async () => {
    const tenantId = await register();
    const { id } = (await store(tenantId)).body;
    expect((await store(tenantId, other)).status).toBe(202);
    expect((await api.call('POST', at(tenantId, '/suspend'))).body).toMatchObject({ status: 'suspended' });
    const since = performance.now();
    const batch = { messages: [{ ...message, tenant_id: tenantId }] };
    const changes = [
      await store(tenantId),
      await api.call('POST', '/v1/messages/batch', { body: batch }),
      await api.call('DELETE', `/v1/messages/${id}?tenant_id=${tenantId}`),
      await api.call('POST', '/v1/admin/retention/run', { body: { tenant_id: tenantId } }),
    ];
    for (const answer of nonEmpty(changes)) expectProblem(answer, 'tenant_suspended');
    const line = JSON.stringify({ ...message, tenant_id: tenantId });
    const headers = { 'content-type': 'application/x-ndjson' };
    const imported = await api.call('POST', '/v1/messages/import', { raw: line, headers });
    expect(imported.text).toContain('tenant_suspended');
    expect((await list(tenantId)).body.items).toHaveLength(2);
    const search = { tenant_id: tenantId, query: 'hello' };
    expect((await api.call('POST', '/v1/memory/search', { body: search })).body.total).toBeGreaterThan(0);
    await eventually(async () => expect((await store(tenantId, other)).status).toBe(403));
    expect(performance.now() - since).toBeLessThan(2000);

    expect((await api.call('POST', at(tenantId, '/resume'))).body).toMatchObject({
      status: 'active',
      suspended_at: null,
    });
    expect((await store(tenantId)).status).toBe(202);
    await eventually(async () => expect((await store(tenantId, other)).status).toBe(202));
  });

  test('twice is once', async () => {
    const tenantId = await register();
    const { body } = await api.call('POST', at(tenantId, '/suspend'));
    expect((await api.call('POST', at(tenantId, '/suspend'))).body).toEqual(body);
    expectProblem(await api.call('POST', at('nobody', '/suspend')), 'not_found');
  });
});

describe('the quota of a tenant', () => {
  test('of messages ends what it may store, and not what it may read or delete', async () => {
    const tenantId = await register({ max_messages: 2 });
    const statuses = [await store(tenantId), await store(tenantId), await store(tenantId)].map(({ status }) => status);
    expect(statuses).toEqual([202, 202, 403]);
    const refused = await store(tenantId);
    expectProblem(refused, 'quota_exceeded');
    expect(refused.body.detail).toContain('2 messages');
    const { items } = (await list(tenantId)).body;
    expect((await api.call('DELETE', `/v1/messages/${items[0].id}?tenant_id=${tenantId}`)).status).toBe(204);
    expect((await setQuotas(tenantId, { max_messages: 10 })).body.quotas.max_messages).toBe(10);
    expect((await store(tenantId)).status).toBe(202);
  });

  test('of bytes, likewise', async () => {
    const tenantId = await register({ max_bytes: 1000 });
    const body = { ...message, tenant_id: tenantId, content: 'x'.repeat(1000) };
    expect((await api.call('POST', '/v1/messages', { body })).status).toBe(202);
    const refused = await store(tenantId);
    expectProblem(refused, 'quota_exceeded');
    expect(refused.body.detail).toContain('1000 bytes');
  });

  test('of keys', async () => {
    const tenantId = await register({ max_keys: 1 });
    const create = () =>
      api.call('POST', '/v1/admin/keys', { body: { name: 'k', tenant_ids: [tenantId], scopes: ['search'] } });
    const [one, two] = await Promise.all([create(), create()]);
    expect(new Set([one.status, two.status])).toEqual(new Set([201, 403]));
    expectProblem(one.status === 403 ? one : two, 'quota_exceeded');
    const { key_id } = one.status === 201 ? one.body : two.body;
    await api.call('POST', `/v1/admin/keys/${key_id}/revoke`);
    expect((await create()).status).toBe(201);
  });

  test('of requests', async () => {
    const tenantId = await register({ rate_limit: { requests: 2, window_seconds: 60 } });
    const answers = [await list(tenantId), await list(tenantId), await list(tenantId)];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
    expect(answers[0]?.headers.get('ratelimit-policy')).toBe('"tenant";q=2;w=60');
  });

  test('of streams', async () => {
    const tenantId = await register({ max_streams: 0 });
    expectProblem(await api.call('GET', `/v1/events?tenant_id=${tenantId}`), 'rate_limited');
  });

  test.each([
    [{ max_messages: -1 }, '/max_messages'],
    [{ max_keys: 1.5 }, '/max_keys'],
    [{ rate_limit: { requests: 1 } }, '/rate_limit/window_seconds'],
    [{ max: 1 }, '/max'],
  ])('%j is refused', async (quotas, pointer) => {
    expectProblem(await setQuotas(await register(), quotas), 'invalid_request', [{ in: 'body', pointer }]);
  });
});

describe('counting what a tenant has', () => {
  function meterOf(name: string, clock: { now: number }): TenantMeter {
    const usage = createTenantUsageRepository(api.db, name);
    return new TenantMeter({ usage, logger: api.logger, nowMs: () => clock.now });
  }
  const tenantOf = (tenantId: string) => ({
    tenantId,
    createdAt: new Date(),
    suspendedAt: undefined,
    maxMessages: 100,
    maxBytes: undefined,
    maxKeys: undefined,
    maxStreams: undefined,
    rate: undefined,
  });

  test('a process knows what another has stored once both have told, in rows of their own', async () => {
    const tenant = tenantOf(await register());
    const [clock, one, two] = [{ now: 0 }, 'one', 'two'];
    const [first, second] = [meterOf(one, clock), meterOf(two, clock)];
    expect([await first.read(tenant), await second.read(tenant)]).toEqual([
      { messages: 0, bytes: 0 },
      { messages: 0, bytes: 0 },
    ]);
    for (let n = 0; n < 3; n++) first.add(tenant.tenantId, 10);
    second.add(tenant.tenantId, 5);
    expect(await first.read(tenant)).toEqual({ messages: 3, bytes: 30 });
    await first.refresh();
    await second.refresh();
    await first.refresh();
    expect([await first.read(tenant), await second.read(tenant)]).toEqual([
      { messages: 4, bytes: 35 },
      { messages: 4, bytes: 35 },
    ]);
    const rows = await api.db
      .selectFrom('tenant_usage')
      .select('writer')
      .where('tenant_id', '=', tenant.tenantId)
      .execute();
    expect(rows.map(({ writer }) => writer).toSorted()).toEqual(['', one, two]);
  });

  test('is done anew after some minutes: what was deleted is free again', async () => {
    const tenant = tenantOf(await register());
    const [clock] = [{ now: 0 }];
    const meter = meterOf('three', clock);
    await meter.read(tenant);
    const { id } = (await store(tenant.tenantId)).body;
    meter.add(tenant.tenantId, 5);
    await meter.refresh();
    await api.call('DELETE', `/v1/messages/${id}?tenant_id=${tenant.tenantId}`);
    await meter.refresh();
    expect((await meter.read(tenant)).messages).toBe(1);
    await api.db
      .updateTable('tenant_usage')
      .set({ updated_at: new Date(Date.now() - 600_000) })
      .where('tenant_id', '=', tenant.tenantId)
      .where('writer', '=', '')
      .execute();
    await meter.refresh();
    expect((await meter.read(tenant)).messages).toBe(0);
  });

  test('ends for a tenant that nobody stores for, and costs a tenant without such a quota nothing', async () => {
    const tenant = tenantOf(await register());
    const clock = { now: 0 };
    const meter = meterOf('four', clock);
    await meter.read(tenant);
    meter.add('somebody-else', 5);
    clock.now = 61_000;
    await meter.refresh();
    meter.add(tenant.tenantId, 5);
    await meter.refresh();
    const rows = await api.db
      .selectFrom('tenant_usage')
      .select('writer')
      .where('tenant_id', '=', tenant.tenantId)
      .execute();
    expect(rows).toEqual([{ writer: '' }]);
  });
});

describe('what limits tenants', () => {
  test('is looked up one by one where very many are limited', async () => {
    const tenantId = await register({ max_keys: 3 });
    const watch = { isFresh: () => true, refresh: async () => undefined, onChange: () => undefined };
    const tenants = createTenantRepository(api.db);
    const asked: string[] = [];
    const record = (id: string) => {
      asked.push(id);
      return tenants.findById(id);
    };
    const records = { peek: () => 'unknown' as const, get: record };
    const one = await tenants.findById(tenantId);
    const many = Array.from({ length: 10_001 }, () => one).filter((tenant) => tenant !== undefined);
    const limited = new LimitedTenants({ watch, records, list: async (limit) => many.slice(0, limit) });
    expect(limited.peek(tenantId)).toBe('unknown');
    expect(await limited.get(tenantId)).toMatchObject({ maxKeys: 3 });
    expect(asked).toEqual([tenantId]);
    const few = new LimitedTenants({ watch, records, list: (limit) => tenants.listLimited(limit) });
    expect([await few.get(tenantId), few.peek(tenantId), few.peek('nobody')]).toEqual([one, one, undefined]);
    expect(asked).toEqual([tenantId]);
  });
});

describe('where tenants are registered', () => {
  test('a message of another is refused, until it is one', async () => {
    const config = { apiKeys: [], tenantCreation: 'registered' } as const;
    const access = composeAccess(config, {
      database: api.database,
      logger: api.logger,
      extraKeys: [],
      isOnlyProcess: false,
    });
    await expect(access.tenants.admit('late', 'store')).rejects.toMatchObject({ code: 'tenant_not_registered' });
    expect(await access.tenants.admit('late', 'read')).toBeUndefined();
    await api.call('POST', path, { body: { tenant_id: 'late' } });
    const since = performance.now();
    await eventually(() => access.tenants.admit('late', 'store'));
    expect(performance.now() - since).toBeLessThan(2000);
  });
});

describe('security: what a tenant is', () => {
  test('is changed by keys of all tenants alone', async () => {
    await api.call('POST', path, { body: { tenant_id: 'acme' } });
    const asked = [
      await api.call('POST', path, { body: { tenant_id: 'acme' }, key: keys.acme }),
      await api.call('PUT', at('acme', '/quotas'), { body: {}, key: keys.acme }),
      await api.call('POST', at('acme', '/suspend'), { key: keys.acme }),
      await api.call('POST', at('acme', '/resume'), { key: keys.acme }),
    ];
    for (const answer of nonEmpty(asked)) expectProblem(answer, 'forbidden');
  });

  test('tenant A does not see tenant B', async () => {
    await api.call('POST', path, { body: { tenant_id: 'globex' } });
    expectProblem(await api.call('GET', at('globex'), { key: keys.acme }), 'not_found');
    expect((await api.call('GET', at('acme'), { key: keys.acme })).status).toBe(200);
    const { body } = await api.call('GET', path, { key: keys.acme });
    expect(body.items.map((item: { tenant_id: string }) => item.tenant_id)).toEqual(['acme']);
  });
});
