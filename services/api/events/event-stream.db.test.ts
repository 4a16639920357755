import { eventually } from '@memory-layer/shared/testing/eventually';
import { appendMessageEvents } from '@memory-layer/shared/events/append-message-events.sql';
import { untilSettled } from '@memory-layer/shared/testing/until-settled';
import { sql } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
// What the retention worker prunes, a reader of events has to notice.
// oxlint-disable-next-line no-restricted-imports
import { createEventLogRepository } from '../../retention-worker/event-log/event-log.repository.ts';
import { HttpServer } from '../http/http-server.ts';
import { openEvents, type EventClient } from '../testing/event-client.ts';
import { expectProblem } from '../testing/expect-problem.ts';
import { keys, startTestApi, type TestApi } from '../testing/test-api.ts';

let api: TestApi;
let server: HttpServer;
beforeAll(async () => {
  api = await startTestApi({ events: { heartbeatMs: 100 } });
  server = new HttpServer({ fetch: api.fetch, host: '127.0.0.1', port: 0, readiness: api.readiness });
  await server.start();
});
afterAll(async () => {
  await Promise.all([api.feed.stop(), server.stop()]);
  await api.stop();
});

let tenants = 0;
let tenantId: string;
beforeEach(() => {
  tenantId = `listening-${(tenants += 1)}`;
});

async function follow(
  query = `tenant_id=${tenantId}`,
  headers: Record<string, string> = {},
  key: string = keys.unbound,
) {
  const client = await openEvents(`${server.url}/v1/events?${query}`, key, headers);
  onTestFinished(() => client.leave());
  return client;
}

const resume = (lastEventId: string | undefined) =>
  follow(`tenant_id=${tenantId}`, { 'last-event-id': lastEventId ?? '' });

async function embed(count: number, of = tenantId): Promise<string[]> {
  const messageIds = Array.from({ length: count }, () => uuidv7());
  await appendMessageEvents(api.db, [{ tenantId: of, type: 'message.embedded', messageIds }]);
  return messageIds;
}

async function idsOf(client: EventClient, count: number): Promise<unknown[]> {
  return (await client.events(count)).map(({ data }) => (data as { message_id?: string }).message_id);
}

describe('GET /v1/events', () => {
  test('is a stream of events that nobody is to keep or buffer', async () => {
    const client = await follow();
    const { response } = client;
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      'x-api-version': 'v1',
    });
    expect(await client.next()).toEqual({ retry: '2000' });
  });

  test('publishes for each message what happened, when, and where to go on', async () => {
    const client = await follow();
    const [id] = await embed(1);
    expect(await client.events(1)).toEqual([
      {
        event: 'message.embedded',
        id: expect.stringMatching(/^\d+-\d+-\d+$/),
        data: { message_id: id, tenant_id: tenantId, at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) },
      },
    ]);
  });

  test('publishes a message that is deleted over the API, and not one that is not there', async () => {
    const stored = await api.call('POST', '/v1/messages', {
      body: { tenant_id: tenantId, conversation_id: 'c', role: 'user', content: 'forget me' },
    });
    const client = await follow();
    await api.call('DELETE', `/v1/messages/${uuidv7()}?tenant_id=${tenantId}`);
    await api.call('DELETE', `/v1/messages/${stored.body.id}?tenant_id=${tenantId}`);
    await embed(1);
    expect(await client.events(2)).toMatchObject([
      { event: 'message.deleted', data: { message_id: stored.body.id } },
      { event: 'message.embedded' },
    ]);
  });

  test('goes on behind the last event that was seen', async () => {
    const first = await follow();
    const ids = await embed(3);
    const [, second] = await first.events(2);
    first.leave();
    const later = await embed(1);
    expect(await idsOf(await resume(second?.id), 2)).toEqual([ids[2], ...later]);
  });

  test('shows only the types that were asked for', async () => {
    const client = await follow(`tenant_id=${tenantId}&types=message.failed,message.deleted`);
    await embed(1);
    await appendMessageEvents(api.db, [{ tenantId, type: 'message.failed', messageIds: [uuidv7()] }]);
    expect(await client.events(1)).toMatchObject([{ event: 'message.failed' }]);
  });

  test('gives a sign of life that moves the place on, so that a quiet tenant can come back', async () => {
    const client = await follow();
    await embed(1, 'another');
    await untilSettled(api.db);
    await client.next();
    await eventually(async () => {
      const beat = await client.next();
      expect(beat).toMatchObject({ comment: 'nothing new', id: expect.any(String) });
      await sql`update message_event set created_at = created_at - interval '2 hours'`.execute(api.db);
      await createEventLogRepository(api.db).prune({ keepMinutes: 60, limit: 1000 });
      const ids = await embed(1);
      const back = await resume(beat?.id);
      const [seen] = await back.events(1);
      back.leave();
      expect(seen).toMatchObject({ data: { message_id: ids[0] } });
    });
  });

  test('says so when the log does not reach back, and goes on from there', async () => {
    const client = await follow();
    await embed(2);
    const [first] = await client.events(2);
    await untilSettled(api.db);
    await sql`update message_event set created_at = created_at - interval '2 hours'`.execute(api.db);
    await createEventLogRepository(api.db).prune({ keepMinutes: 60, limit: 1000 });
    const late = await resume(first?.id);
    const [reset] = await late.events(1);
    expect(reset).toMatchObject({ event: 'reset', id: expect.any(String), data: { tenant_id: tenantId } });
    const ids = await embed(1);
    expect(await idsOf(late, 1)).toEqual(ids);
    expect(await idsOf(await resume(reset?.id), 1)).toEqual(ids);
  });
});

describe('whose events', () => {
  test('a bound key receives the events of its own tenant, and need not name it', async () => {
    const client = await follow('', {}, keys.acme);
    await embed(1, 'globex');
    const ids = await embed(1, 'acme');
    expect(await idsOf(client, 1)).toEqual(ids);
  });

  test('security: tenant A receives nothing of tenant B, by name or by an id of its stream', async () => {
    const refused = await api.call('GET', '/v1/events?tenant_id=globex', { key: keys.acme });
    expectProblem(refused, 'forbidden', [{ in: 'query', pointer: '/tenant_id' }]);
    const globex = await follow('', {}, keys.globex);
    await embed(2, 'globex');
    const [first] = await globex.events(1);
    const acme = await follow('', { 'last-event-id': first?.id ?? '' }, keys.acme);
    const ids = await embed(1, 'acme');
    expect(await idsOf(acme, 1)).toEqual(ids);
  });

  test('an unbound key has to say', async () => {
    expectProblem(await api.call('GET', '/v1/events'), 'invalid_request', [{ in: 'query', pointer: '/tenant_id' }]);
    expectProblem(await api.call('GET', '/v1/events', { key: null }), 'unauthenticated');
  });
});

describe('what is refused', () => {
  test.each(['yesterday', '1-2', '1-2-x', '-1-0-0', '99999999999999999999-0-0'])('Last-Event-ID: %s', async (id) => {
    const answer = await api.call('GET', `/v1/events?tenant_id=${tenantId}`, { headers: { 'last-event-id': id } });
    expectProblem(answer, 'invalid_request', [{ in: 'header', pointer: '/last-event-id' }]);
  });

  test.each([
    ['types=message.read', '/types'],
    ['types=', '/types'],
    ['types=message.embedded,', '/types'],
    ['since=1', '/since'],
  ])('?%s', async (query, pointer) => {
    const answer = await api.call('GET', `/v1/events?tenant_id=${tenantId}&${query}`);
    expectProblem(answer, 'invalid_request', [{ in: 'query', pointer }]);
  });
});
