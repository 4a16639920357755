import { eventually } from '@memory-layer/shared/testing/eventually';
import { nonEmpty } from '@memory-layer/shared/testing/non-empty';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { storeFailed } from '../testing/store-failed.ts';
import { keys, startTestApi, type TestApi } from '../testing/test-api.ts';

const path = '/v1/admin/audit';
const someId = '0192f0c1-2a3b-7c4d-8e5f-6a7b8c9d0e1f';
const secret = 'a zebrafish confided';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({ trustedProxies: ['10.0.0.0/8'] });
});
afterAll(() => api.stop());

let tenants = 0;
const freshTenant = () => `audited-${(tenants += 1)}`;
const store = async (tenant_id: string): Promise<string> => {
  const message = { tenant_id, conversation_id: 'c-1', role: 'user', content: secret, metadata: { secret } };
  return (await api.call('POST', '/v1/messages', { body: message })).body.id;
};
const remove = (tenantId: string, id: string, headers = {}) =>
  api.call('DELETE', `/v1/messages/${id}?tenant_id=${tenantId}`, { headers });
const list = (query: string, key: string = keys.unbound) => api.call('GET', `${path}?${query}`, { key });
const itemsOf = async (query: string) => (await list(query)).body.items;

describe('what is done to messages', () => {
  test('a deletion is told with who, when, what, how it ended, and by which request', async () => {
    const tenantId = freshTenant();
    const id = await store(tenantId);
    const before = Date.now();
    expect((await remove(tenantId, id, { 'x-request-id': 'deletes-it' })).status).toBe(204);
    const [event, ...others] = await itemsOf(`tenant_id=${tenantId}`);
    expect(others).toEqual([]);
    expect(event).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      at: expect.any(String),
      tenant_id: tenantId,
      actor: { id: expect.stringMatching(/^[0-9a-f]{12}$/), name: expect.stringMatching(/\S/) },
      action: 'message.delete',
      object: { type: 'message', id },
      outcome: 'success',
      request_id: 'deletes-it',
      address: null,
      changes: {},
    });
    expect(Date.parse(event.at)).toBeGreaterThanOrEqual(before - 1);
    expect(Date.parse(event.at)).toBeLessThanOrEqual(Date.now());
  });

  test('one that a legal hold refuses is told as refused, one of nothing as failed', async () => {
    const tenantId = freshTenant();
    const id = await store(tenantId);
    await api.db.insertInto('retention_policy').values({ tenant_id: tenantId, legal_hold: true }).execute();
    expect((await remove(tenantId, id)).status).toBe(409);
    expect((await remove(tenantId, someId)).status).toBe(404);
    expect(await itemsOf(`tenant_id=${tenantId}&order=asc`)).toMatchObject([
      { outcome: 'refused', object: { id }, changes: { reason: 'legal_hold' } },
      { outcome: 'failed', object: { id: someId }, changes: { reason: 'not_found' } },
    ]);
  });

  test('retries of failed messages are told: one by its id, several by their number, none not at all', async () => {
    const tenantId = freshTenant();
    const ids = await storeFailed(api, { tenantId, count: 5 });
    const retry = (body: object) =>
      api.call('POST', '/v1/admin/embeddings/retry', { body: { tenant_id: tenantId, ...body } });
    await retry({ message_ids: [ids[0]] });
    await retry({ message_ids: [ids[0], someId] });
    expect((await retry({ all: true })).body).toMatchObject({ retried: 4 });
    expect(await itemsOf(`tenant_id=${tenantId}&order=asc`)).toMatchObject([
      { action: 'embedding.retry', object: { type: 'message', id: ids[0] }, changes: { messages: 1 } },
      { action: 'embedding.retry', object: { type: 'message', id: null }, changes: { messages: 4 } },
    ]);
  });

  test('storing messages, and reading them, is not told', async () => {
    const tenantId = freshTenant();
    const id = await store(tenantId);
    await api.call('GET', `/v1/messages/${id}?tenant_id=${tenantId}`);
    await api.call('GET', `/v1/memory/search?tenant_id=${tenantId}&query=zebrafish`);
    expect(await itemsOf(`tenant_id=${tenantId}`)).toEqual([]);
  });
});

test('a retention run that is asked for is told, with what was asked', async () => {
  const tenantId = freshTenant();
  const run = await api.call('POST', '/v1/admin/retention/run', {
    body: { tenant_id: tenantId, actions: ['archive'], dry_run: true },
  });
  expect(await itemsOf(`tenant_id=${tenantId}`)).toMatchObject([
    {
      action: 'retention.run',
      object: { type: 'retention_run', id: run.body.run_id },
      outcome: 'success',
      changes: { actions: ['archive'], dry_run: true },
    },
  ]);
});

describe('security: what is refused', () => {
  test('a request without a known key is told, without tenant and actor', async () => {
    await api.call('GET', '/v1/messages/nowhere', {
      key: 'nobody-gave-out-this-one',
      headers: { 'x-request-id': 'no-key' },
    });
    const told = {
      tenant_id: null,
      actor: null,
      object: { type: 'route', id: 'GET /v1/messages/:id' },
      outcome: 'refused',
      request_id: 'no-key',
      changes: { code: 'unauthenticated' },
    };
    await eventually(async () => {
      expect(await itemsOf('action=request.authenticate')).toMatchObject([told]);
    });
  });

  test('a request for another tenant is told to the tenant of the key, and not to the other', async () => {
    await api.call('DELETE', `/v1/messages/${someId}?tenant_id=globex`, { key: keys.acme });
    await eventually(async () => {
      expect(await itemsOf('tenant_id=acme&action=request.authorize')).toMatchObject([
        { tenant_id: 'acme', object: { id: 'DELETE /v1/messages/:id' }, changes: { code: 'forbidden' } },
      ]);
    });
    expect(await itemsOf('tenant_id=globex')).toEqual([]);
  });
});

describe('security: the address of a caller', () => {
  const of = async (headers: Record<string, string>, peer: string) => {
    const tenantId = freshTenant();
    const init = { method: 'DELETE', headers: { 'x-api-key': keys.unbound, ...headers } };
    // As behind a listener, where the peer is known.
    const bindings = { incoming: { headers: init.headers, socket: { remoteAddress: peer } } };
    await api.request(`/v1/messages/${someId}?tenant_id=${tenantId}`, init, bindings);
    return (await itemsOf(`tenant_id=${tenantId}`))[0].address;
  };

  test('is that of the peer', async () => {
    expect(await of({}, '203.0.113.7')).toBe('203.0.113.7');
  });

  test('is what a trusted proxy says, and not what a client writes', async () => {
    expect(await of({ 'x-forwarded-for': '198.51.100.9, 203.0.113.7' }, '10.0.0.1')).toBe('203.0.113.7');
    expect(await of({ 'x-forwarded-for': '198.51.100.9' }, '203.0.113.8')).toBe('203.0.113.8');
  });
});

describe('security: nothing of content', () => {
  test('is in any row', async () => {
    const rows = await api.db.selectFrom('audit_event').selectAll().execute();
    const text = nonEmpty(rows)
      .map((row) => JSON.stringify(row))
      .join('\n');
    expect(text).toContain('message.delete');
    for (const word of ['zebrafish', 'confided', ...Object.values(keys)]) expect(text).not.toContain(word);
  });
});

describe('with reads', () => {
  let reading: TestApi;
  beforeAll(async () => {
    reading = await startTestApi({ audit: { includesReads: true } });
  });
  afterAll(() => reading.stop());

  test('each read that is answered is told once, with its tenant, and without its query', async () => {
    const call = (method: string, to: string, body?: object) =>
      reading.call(method, to, { key: keys.acme, ...(body && { body }) });
    const message = { conversation_id: 'c-1', role: 'user', content: secret };
    const { id } = (await call('POST', '/v1/messages', message)).body;
    await call('GET', `/v1/messages/${id}`);
    await call('GET', '/v1/messages');
    await call('GET', '/v1/memory/search?query=zebrafish');
    await call('POST', '/v1/memory/search', { query: 'zebrafish' });
    await call('GET', `/v1/messages/${someId}`);
    await call('GET', '/v1/admin/embeddings/failed');
    await call('GET', path);
    const readEvents = () => reading.db.selectFrom('audit_event').selectAll().orderBy('id').execute();
    await eventually(async () => expect(await readEvents()).toHaveLength(6));
    const events = await readEvents();
    expect(events.map((row) => row.action)).toEqual([
      'message.get',
      'message.list',
      'message.search',
      'message.search',
      'embedding.list',
      'audit.list',
    ]);
    expect(events[0]).toMatchObject({ tenant_id: 'acme', object_type: 'message', object_id: id, outcome: 'success' });
    expect(JSON.stringify(events)).not.toContain('zebrafish');
  });
});

describe('off', () => {
  let silent: TestApi;
  beforeAll(async () => {
    silent = await startTestApi({ audit: { isOn: false, includesReads: true } });
  });
  afterAll(() => silent.stop());

  test('nothing is written, and what is asked is done', async () => {
    const message = { conversation_id: 'c-1', role: 'user', content: secret };
    const { id } = (await silent.call('POST', '/v1/messages', { key: keys.acme, body: message })).body;
    expect((await silent.call('DELETE', `/v1/messages/${id}`, { key: keys.acme })).status).toBe(204);
    await storeFailed(silent, { tenantId: 'acme', count: 2 });
    const retried = await silent.call('POST', '/v1/admin/embeddings/retry', { key: keys.acme, body: { all: true } });
    expect(retried.body).toMatchObject({ retried: 2 });
    expect((await silent.call('POST', '/v1/admin/retention/run', { key: keys.acme, body: {} })).status).toBe(202);
    expect((await silent.call('GET', '/metrics', { key: keys.acme })).status).toBe(403);
    expect((await silent.call('GET', path, { key: keys.acme })).body).toEqual({ items: [], next_cursor: null });
    expect(await silent.db.selectFrom('audit_event').selectAll().execute()).toEqual([]);
  });
});

describe('keys', () => {
  test('that are made, rotated and revoked are told, without their text', async () => {
    const asked = { name: 'Desk of acme', tenant_ids: ['acme'], scopes: ['search'] };
    const made = (await api.call('POST', '/v1/admin/keys', { body: asked })).body;
    const keyPath = `/v1/admin/keys/${made.key_id}`;
    const rotated = (await api.call('POST', `${keyPath}/rotate`, { body: { overlap_seconds: 60 } })).body;
    expect((await api.call('POST', `${keyPath}/revoke`)).status).toBe(200);
    expect((await api.call('POST', `${keyPath}/rotate`, { body: {} })).status).toBe(409);
    const { text, body } = await list(`object_id=${made.key_id}&order=asc`);
    expect(body.items).toMatchObject([
      {
        tenant_id: 'acme',
        action: 'key.create',
        object: { type: 'api_key' },
        changes: { name: 'Desk of acme', scopes: ['search'], tenant_ids: ['acme'], expires_at: null },
      },
      { action: 'key.rotate', changes: { overlap_seconds: 60 } },
      { action: 'key.revoke', changes: {} },
    ]);
    expect([made.key, rotated.key].every((key) => key.length > 20 && !text.includes(key))).toBe(true);
  });
});

describe('tenants', () => {
  test('that are registered, limited, suspended and resumed are told; what was refused for them is not', async () => {
    const tenant_id = freshTenant();
    const tenantPath = `/v1/admin/tenants/${tenant_id}`;
    const body = { tenant_id, quotas: { max_keys: 3 } };
    expect((await api.call('POST', '/v1/admin/tenants', { body })).status).toBe(201);
    expect((await api.call('POST', '/v1/admin/tenants', { body })).status).toBe(409);
    const quotas = { max_messages: 10, rate_limit: { requests: 600, window_seconds: 60 } };
    expect((await api.call('PUT', `${tenantPath}/quotas`, { body: quotas })).status).toBe(200);
    expect((await api.call('POST', `${tenantPath}/suspend`)).status).toBe(200);
    expect((await api.call('POST', `${tenantPath}/resume`)).status).toBe(200);
    expect((await api.call('POST', '/v1/admin/tenants/nobody/suspend')).status).toBe(404);
    const limits = { max_bytes: null, max_streams: null };
    const rate = { rate_requests: 600, rate_window_seconds: 60 };
    const none = { rate_requests: null, rate_window_seconds: null };
    const object = { type: 'tenant', id: tenant_id };
    expect(await itemsOf(`tenant_id=${tenant_id}&order=asc`)).toMatchObject([
      { action: 'tenant.create', object, changes: { ...limits, ...none, max_messages: null, max_keys: 3 } },
      { action: 'tenant.update', object, changes: { ...limits, ...rate, max_messages: 10, max_keys: null } },
      { action: 'tenant.suspend', object, changes: {} },
      { action: 'tenant.resume', object, changes: {} },
    ]);
    expect(await itemsOf('object_id=nobody')).toEqual([]);
  });
});
