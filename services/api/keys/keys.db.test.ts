import { eventually } from '@memory-layer/shared/testing/eventually';
import { nonEmpty } from '@memory-layer/shared/testing/non-empty';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Answer, Call } from '../testing/call.ts';
import { expectProblem } from '../testing/expect-problem.ts';
import { keys, startTestApi, type TestApi } from '../testing/test-api.ts';
import { composeAccess } from '../compose-access.ts';
import { createApiKeyRepository } from './api-key.repository.ts';
import { parseKey } from './key-format.ts';
import { scopes } from '../access/scopes.ts';

const path = '/v1/admin/keys';

let api: TestApi;
/** The same api with a memory of its own, as another process has it. */
let other: Call;
beforeAll(async () => {
  api = await startTestApi();
  other = api.appOver(api.database).call;
});
afterAll(() => api.stop());

interface Made {
  readonly id: string;
  readonly key: string;
}

async function make(body: object = {}, key: string = keys.unbound): Promise<Made> {
  const sent = { name: 'a test', tenant_ids: ['acme'], scopes: ['messages:read', 'messages:write'], ...body };
  const answer = await api.call('POST', path, { body: sent, key });
  expect(answer.status).toBe(201);
  return { id: answer.body.key_id, key: answer.body.key };
}

const list = (key: string, call: Call = api.call) => call('GET', '/v1/messages', { key });
const read = (id: string, key: string = keys.unbound) => api.call('GET', `${path}/${id}`, { key });
const rotate = (id: string, body: object = {}, key: string = keys.unbound) =>
  api.call('POST', `${path}/${id}/rotate`, { body, key });
const revoke = (id: string, key: string = keys.unbound) => api.call('POST', `${path}/${id}/revoke`, { key });

describe('a key that is made by API', () => {
  test('lets its holder in, for its tenant and its scopes', async () => {
    const { key } = await make();
    expect((await list(key)).status).toBe(200);
    expect(
      (await api.call('GET', '/v1/messages', { key: null, headers: { authorization: `Bearer ${key}` } })).status,
    ).toBe(200);
    expectProblem(await api.call('GET', '/v1/messages?tenant_id=globex', { key }), 'forbidden', [
      { in: 'query', pointer: '/tenant_id' },
    ]);
    expectProblem(await api.call('POST', '/v1/memory/search', { key, body: { query: 'x' } }), 'insufficient_scope');
  });

  test('is shown once: what is stored and listed has no secret', async () => {
    const { id, key } = await make({ name: 'secretive' });
    const { secret = '' } = parseKey(key) ?? {};
    const shown = await read(id);
    expect(shown.body).toMatchObject({ key_id: id, name: 'secretive', status: 'active', tenant_ids: ['acme'] });
    expect(shown.text).not.toContain(secret);
    const row = await api.db.selectFrom('api_key').selectAll().where('key_id', '=', id).executeTakeFirstOrThrow();
    expect(JSON.stringify(row)).not.toContain(secret);
    expect(row.secret_hash.toString('latin1')).not.toContain(secret);
    expect(api.logLines.join('')).not.toContain(secret);
  });

  test('of several tenants names the one it means, and reaches no other', async () => {
    const { key } = await make({ tenant_ids: ['acme', 'globex'] });
    const statuses = ['acme', 'globex', 'initech'].map(
      async (tenant) => (await api.call('GET', `/v1/messages?tenant_id=${tenant}`, { key })).status,
    );
    expect(await Promise.all(statuses)).toEqual([200, 200, 403]);
    expectProblem(await list(key), 'invalid_request', [{ in: 'query', pointer: '/tenant_id' }]);
  });

  test('of all tenants reaches all', async () => {
    const { key } = await make({ tenant_ids: null, scopes: ['metrics', 'messages:read'] });
    expect((await api.call('GET', '/v1/messages?tenant_id=initech', { key })).status).toBe(200);
    expect((await api.call('GET', '/metrics', { key })).status).toBe(200);
  });

  test('ends when it expires, in every process, without being asked for again', async () => {
    const { key } = await make({ expires_at: new Date(Date.now() + 700).toISOString() });
    expect([(await list(key)).status, (await list(key, other)).status]).toEqual([200, 200]);
    await eventually(async () => {
      expect([(await list(key)).status, (await list(key, other)).status]).toEqual([401, 401]);
    });
  });

  test('has a rate of its own', async () => {
    const { key } = await make({ rate_limit: { requests: 3, window_seconds: 60 } });
    const answers: Answer[] = [];
    for (let n = 0; n < 4; n++) answers.push(await list(key));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
    expect(answers[0]?.headers.get('ratelimit-policy')).toBe('"key";q=3;w=60');
  });

  test('with one character changed is not looked up', async () => {
    const { key } = await make();
    const text = `${key.slice(0, -1)}${key.endsWith('0') ? '1' : '0'}`;
    const access = composeAccess(
      { apiKeys: [], tenantCreation: 'auto' },
      { database: api.database, logger: api.logger, extraKeys: [], isOnlyProcess: false },
    );
    expect([typeof access.callers.find(key), access.callers.find(text)]).toEqual(['function', undefined]);
    expectProblem(await list(text), 'unauthenticated');
  });

  test('of another secret is refused', async () => {
    const [one, two] = [await make(), await make()];
    const rotated = (await rotate(two.id)).body.key as string;
    expect([(await list(one.key)).status, (await list(two.key)).status, (await list(rotated)).status]).toEqual([
      200, 401, 200,
    ]);
  });
});

describe('rotating a key', () => {
  test('leaves the old secret good for the overlap, and the one before it for no longer', async () => {
    const { id, key: first } = await make();
    const second = (await rotate(id, { overlap_seconds: 3600 })).body.key as string;
    expect([(await list(first)).status, (await list(second)).status]).toEqual([200, 200]);
    const { body } = await rotate(id, { overlap_seconds: 3600 });
    expect(new Date(body.previous_valid_until).getTime()).toBeGreaterThan(Date.now() + 3_500_000);
    const third: string = body.key;
    const statuses = [first, second, third].map(async (key) => (await list(key)).status);
    expect(await Promise.all(statuses)).toEqual([401, 200, 200]);
  });

  test('is known to another process at once where the new secret is used, and the old one ends there within 2 s', async () => {
    const { id, key } = await make();
    expect((await list(key, other)).status).toBe(200);
    const renewed = (await rotate(id)).body.key as string;
    expect((await list(renewed, other)).status).toBe(200);
    expect((await list(key)).status).toBe(401);
    const since = performance.now();
    await eventually(async () => expect((await list(key, other)).status).toBe(401));
    expect(performance.now() - since).toBeLessThan(2000);
  });

  test('ends with the overlap', async () => {
    const { id, key } = await make();
    await rotate(id, { overlap_seconds: 1 });
    expect([(await list(key)).status, (await list(key, other)).status]).toEqual([200, 200]);
    await eventually(async () => {
      expect([(await list(key)).status, (await list(key, other)).status]).toEqual([401, 401]);
    });
    expect((await read(id)).body.previous_valid_until).toBeNull();
  });

  test('is refused for a revoked key', async () => {
    const { id } = await make();
    await revoke(id);
    expectProblem(await rotate(id), 'conflict');
  });
});

describe('security: revoking a key', () => {
  test('ends it here at once, and in another process within 2 seconds', async () => {
    const { id, key } = await make();
    expect([(await list(key)).status, (await list(key, other)).status]).toEqual([200, 200]);
    expect((await revoke(id)).body).toMatchObject({ status: 'revoked', revoked_at: expect.any(String) });
    expect((await list(key)).status).toBe(401);
    const since = performance.now();
    await eventually(async () => expect((await list(key, other)).status).toBe(401));
    expect(performance.now() - since).toBeLessThan(2000);
  });

  test('twice is revoking once', async () => {
    const { id } = await make();
    const { body } = await revoke(id);
    expect((await revoke(id)).body).toEqual(body);
  });
});

describe('security: a key gives no more than it has', () => {
  test.each([
    ['another tenant', { tenant_ids: ['globex'] }, '/tenant_ids/0'],
    ['its own tenant and another', { tenant_ids: ['acme', 'globex'] }, '/tenant_ids/1'],
    ['all tenants', { tenant_ids: null }, '/tenant_ids'],
  ])('%s', async (_, more, pointer) => {
    const body = { name: 'more', scopes: ['search'], ...more };
    expectProblem(await api.call('POST', path, { body, key: keys.acme }), 'forbidden', [{ in: 'body', pointer }]);
  });

  test('a scope that it does not have', async () => {
    const { key } = await make({ scopes: ['admin', 'search'] });
    const body = (given: readonly string[]) => ({ name: 'more', scopes: given });
    expectProblem(await api.call('POST', path, { body: body(['search', 'erase']), key }), 'forbidden');
    expect((await api.call('POST', path, { body: body(['search', 'admin']), key })).status).toBe(201);
  });

  test('nor takes over a key that has more: it neither rotates nor revokes it', async () => {
    const strong = await make({ scopes: [...scopes] });
    const { key } = await make({ scopes: ['admin'] });
    expectProblem(await rotate(strong.id, {}, key), 'forbidden');
    expectProblem(await revoke(strong.id, key), 'forbidden');
    expect((await list(strong.key)).status).toBe(200);
  });

  test('without the scope admin it does nothing here', async () => {
    const { id, key } = await make();
    const answers = [await api.call('GET', path, { key }), await read(id, key), await rotate(id, {}, key)];
    for (const answer of nonEmpty(answers)) expectProblem(answer, 'insufficient_scope');
  });
});

describe('security: tenant A does not see the keys of tenant B', () => {
  test('nor those of both, nor those of all', async () => {
    const made = [
      await make({ tenant_ids: ['globex'] }),
      await make({ tenant_ids: ['acme', 'globex'] }),
      await make({ tenant_ids: null }),
    ];
    for (const { id } of nonEmpty(made)) {
      const answers = [await read(id, keys.acme), await rotate(id, {}, keys.acme), await revoke(id, keys.acme)];
      for (const answer of nonEmpty(answers)) expectProblem(answer, 'not_found');
      expect((await read(id)).body.status).toBe('active');
    }
    const ids = new Set(made.map(({ id }) => id));
    const { body } = await api.call('GET', `${path}?limit=200`, { key: keys.acme });
    expect(body.items.length).toBeGreaterThan(0);
    expect(body.items.filter((item: { key_id: string }) => ids.has(item.key_id))).toEqual([]);
    // A cursor of theirs is as good as one that never was.
    const foreign = await api.call('GET', `${path}?cursor=${made[0]?.id}`, { key: keys.acme });
    const never = await api.call('GET', `${path}?cursor=${'0'.repeat(16)}`, { key: keys.acme });
    expect([foreign.status, foreign.body]).toEqual([never.status, never.body]);
  });
});

describe('listing keys', () => {
  test('goes from the newest on, page by page, each key once', async () => {
    const made = [];
    for (let n = 0; n < 5; n++) made.push((await make({ tenant_ids: ['paged'] })).id);
    const { key } = await make({ tenant_ids: ['paged'], scopes: ['admin'] });
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const { body } = await api.call('GET', `${path}?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`, { key });
      seen.push(...body.items.map((item: { key_id: string }) => item.key_id));
      cursor = body.next_cursor;
    }
    expect(seen).toHaveLength(6);
    expect(new Set(seen)).toEqual(new Set([...made, parseKey(key)?.keyId]));
  });
});

describe('what a key is made of', () => {
  test.each([
    [{ name: ' ' }, '/name'],
    [{ name: 'x'.repeat(101) }, '/name'],
    [{ name: 'a\0b' }, '/name'],
    [{ tenant_ids: [] }, '/tenant_ids'],
    [{ tenant_ids: ['a', 'a'] }, '/tenant_ids'],
    [{ tenant_ids: [' '] }, '/tenant_ids/0'],
    [{ tenant_ids: undefined }, '/tenant_ids'],
    [{ scopes: [] }, '/scopes'],
    [{ scopes: ['everything'] }, '/scopes/0'],
    [{ scopes: ['search', 'search'] }, '/scopes'],
    [{ expires_at: '2001-01-01T00:00:00Z' }, '/expires_at'],
    [{ rate_limit: { requests: 0, window_seconds: 1 } }, '/rate_limit/requests'],
    [{ rate_limit: { requests: 1, window_seconds: 86_401 } }, '/rate_limit/window_seconds'],
    [{ more: true }, '/more'],
  ])('%j is refused', async (wrong, pointer) => {
    const body = { name: 'a test', tenant_ids: ['acme'], scopes: ['search'], ...wrong };
    expectProblem(await api.call('POST', path, { body }), 'invalid_request', [{ in: 'body', pointer }]);
  });

  test.each(['x', '0'.repeat(17), '%00', 'constructor'])('%j is the id of no key', async (id) => {
    expectProblem(await read(id), 'invalid_request', [{ in: 'path', pointer: '/key_id' }]);
  });
});

describe('the last use of a key', () => {
  test('is written in one statement for many keys, and again no sooner than after a minute', async () => {
    const { id } = await make();
    const marked = async () => (await read(id)).body.last_used_at as string | null;
    expect(await marked()).toBeNull();
    const repository = createApiKeyRepository(api.db);
    await repository.markUsed([id]);
    const first = await marked();
    expect(first).not.toBeNull();
    await repository.markUsed([id]);
    expect(await marked()).toBe(first);
    await api.db
      .updateTable('api_key')
      .set({ last_used_at: new Date(Date.now() - 61_000) })
      .where('key_id', '=', id)
      .execute();
    await repository.markUsed([id]);
    expect(await marked()).not.toBe(first);
  });

  test('is noted as it is used, and written when the process ends', async () => {
    const { id, key } = await make();
    const access = composeAccess(
      { apiKeys: [], tenantCreation: 'auto' },
      { database: api.database, logger: api.logger, extraKeys: [], isOnlyProcess: false },
    );
    const found = access.callers.find(key);
    const caller = typeof found === 'function' ? await found() : found;
    expect(caller).toMatchObject({ keyId: id, keyName: 'a test', source: 'database', tenants: ['acme'] });
    await access.stop();
    expect((await read(id)).body.last_used_at).not.toBeNull();
  });
});
