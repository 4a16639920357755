import { appendAuditEvents } from '@memory-layer/shared/audit/append-audit-events.sql';
import type { AuditEvent } from '@memory-layer/shared/audit/audit-event';
import { nonEmpty } from '@memory-layer/shared/testing/non-empty';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectProblem } from '../testing/expect-problem.ts';
import { keys, startTestApi, type TestApi } from '../testing/test-api.ts';

const path = '/v1/admin/audit';
const at = (minute: number): Date => new Date(Date.UTC(2026, 0, 1, 0, minute));
const count = 620;

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
  await appendAuditEvents(
    api.db,
    Array.from({ length: count }, (_, minute) => eventOf(minute)),
  );
  await appendAuditEvents(api.db, [
    { ...eventOf(count), tenantId: undefined, action: 'request.authenticate', outcome: 'refused' },
  ]);
});
afterAll(() => api.stop());

/** A minute each: of acme and globex in turn, of two keys, some of them refused. */
function eventOf(minute: number): AuditEvent {
  const actor = minute % 3 === 0 ? 'desk' : 'robot';
  return {
    at: at(minute),
    actor: { id: actor, name: `The ${actor}` },
    requestId: `r-${minute}`,
    address: '203.0.113.7',
    tenantId: minute % 2 === 0 ? 'acme' : 'globex',
    action: minute % 5 === 0 ? 'embedding.retry' : 'message.delete',
    objectType: 'message',
    objectId: `m-${minute % 100}`,
    outcome: minute % 7 === 0 ? 'refused' : 'success',
    changes: {},
  };
}

type Item = { readonly request_id: string; readonly tenant_id: string | null };
const get = (query: string, key: string = keys.unbound, accept?: string) =>
  api.call('GET', `${path}?${query}`, { key, ...(accept !== undefined && { headers: { accept } }) });
const minutesOf = (items: readonly Item[]) => items.map(({ request_id }) => Number(request_id.slice(2)));
const minutes = (keep: (minute: number) => boolean) => Array.from({ length: count }, (_, n) => n).filter(keep);

async function walk(query: string, key?: string): Promise<Item[]> {
  const items: Item[] = [];
  let cursor: string | null = null;
  do {
    const page = await get(`${query}${cursor === null ? '' : `&cursor=${cursor}`}`, key);
    expect(page.status).toBe(200);
    items.push(...page.body.items);
    cursor = page.body.next_cursor;
  } while (cursor !== null);
  return items;
}

describe('the audit log', () => {
  test('is listed page by page, the last entry first, each once', async () => {
    expect(minutesOf(await walk('limit=70'))).toEqual([...minutes(() => true), count].toReversed());
  });

  test('or the first one first', async () => {
    expect(minutesOf(await walk('limit=200&order=asc&tenant_id=acme'))).toEqual(minutes((n) => n % 2 === 0));
  });

  test.each<[string, (minute: number) => boolean]>([
    ['tenant_id=globex', (n) => n % 2 === 1],
    ['actor_id=desk&tenant_id=acme', (n) => n % 3 === 0 && n % 2 === 0],
    ['action=embedding.retry&outcome=refused', (n) => n % 35 === 0],
    ['object_type=message&object_id=m-7', (n) => n % 100 === 7],
    ['object_id=m-8&tenant_id=acme', (n) => n % 100 === 8],
    ['object_id=m-8&tenant_id=globex', () => false],
    ['since=2026-01-01T00:05:00Z&until=2026-01-01T00:10:00Z', (n) => n >= 5 && n < 10],
    ['since=2026-01-01T00:05:00.000001Z&until=2026-01-01T00:10:00.000001Z', (n) => n > 5 && n <= 10],
    ['since=2026-01-01T02:05:00%2B02:00&until=2026-01-01T00:07:00Z&tenant_id=globex', (n) => n === 5],
    ['object_type=tenant', () => false],
    ['actor_id=d%27esk%25', () => false],
  ])('%s', async (query, keep) => {
    expect(minutesOf(await walk(`${query}&order=asc&limit=33`)).filter((n) => n < count)).toEqual(minutes(keep));
  });

  test.each([
    ['limit=0', '/limit'],
    ['limit=201', '/limit'],
    ['limit=10001', '/limit'],
    ['limit=1.5', '/limit'],
    ['cursor=abc', '/cursor'],
    ['action=message.destroy', '/action'],
    ['outcome=constructor', '/outcome'],
    ['object_type=__proto__', '/object_type'],
    ['since=yesterday', '/since'],
    ['until=2026-01-01T00:00:00', '/until'],
    [`actor_id=${'x'.repeat(257)}`, '/actor_id'],
    ['object_id=', '/object_id'],
    ['object_id=%00', '/object_id'],
    ['order=up', '/order'],
    ['order=asc&order=desc', '/order'],
    ['tenant=acme', '/tenant'],
    ['__proto__=1', '/__proto__'],
  ])('refuses %s', async (query, pointer) => {
    expectProblem(await get(query), 'invalid_request', [{ in: 'query', pointer }]);
  });
});

describe('as lines', () => {
  const accept = 'application/x-ndjson';
  const linesOf = (text: string) =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));

  test('has all entries of several pages, and ends with where to go on', async () => {
    const answer = await get('tenant_id=acme', keys.unbound, accept);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, accept]);
    const lines = linesOf(answer.text);
    expect(lines.pop()).toEqual({ next_cursor: null });
    expect(minutesOf(lines)).toEqual(minutes((n) => n % 2 === 0).toReversed());
  });

  test('is bounded, and goes on where it ended', async () => {
    const first = linesOf((await get('limit=450&order=asc', keys.unbound, accept)).text);
    const { next_cursor: cursor } = first.pop();
    expect(first).toHaveLength(450);
    const rest = linesOf((await get(`limit=450&order=asc&cursor=${cursor}`, keys.unbound, accept)).text);
    expect(rest.pop()).toEqual({ next_cursor: null });
    expect(minutesOf([...first, ...rest])).toEqual([...minutes(() => true), count]);
  });

  test('of nothing is the last line alone', async () => {
    expect(linesOf((await get('object_id=none', keys.unbound, accept)).text)).toEqual([{ next_cursor: null }]);
  });

  test('is not for an Accept that is too long to be looked at', async () => {
    const answer = await get('limit=1', keys.unbound, `${accept},${'x'.repeat(2000)}`);
    expect(answer.headers.get('content-type')).toBe('application/json');
  });
});

describe('security: whose entries are seen', () => {
  test('a bound key sees those of its tenant, and neither of others nor of none', async () => {
    const items = await walk('limit=200', keys.acme);
    expect(items).toHaveLength(count / 2);
    expect(nonEmpty(items).every(({ tenant_id }) => tenant_id === 'acme')).toBe(true);
  });

  test('another tenant is refused, whatever else is asked for', async () => {
    const where = [{ in: 'query', pointer: '/tenant_id' }] as const;
    expectProblem(await get('tenant_id=globex', keys.acme), 'forbidden', where);
    expectProblem(await get('tenant_id=globex', keys.acme, 'application/x-ndjson'), 'forbidden', where);
  });

  test('the cursor of another tenant’s listing is a place in time and no more', async () => {
    const { body } = await get('tenant_id=globex&limit=5');
    const items: Item[] = (await get(`cursor=${body.next_cursor}&limit=200`, keys.acme)).body.items;
    expect(nonEmpty(items).every(({ tenant_id }) => tenant_id === 'acme')).toBe(true);
    expect((await get('object_id=m-7', keys.acme)).body).toEqual({ items: [], next_cursor: null });
  });

  test('nobody without a key', async () => {
    expectProblem(await api.call('GET', path, { key: null }), 'unauthenticated');
  });
});
