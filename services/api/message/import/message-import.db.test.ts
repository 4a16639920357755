import { eventually } from '@memory-layer/shared/testing/eventually';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { expectProblem } from '../../testing/expect-problem.ts';
import { keys, startTestApi, type TestApi } from '../../testing/test-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());

let tenants = 0;
const freshTenant = () => `import-${(tenants += 1)}`;
const message = (tenant_id: string, more: object = {}) => ({
  tenant_id,
  conversation_id: 'c',
  role: 'user',
  content: 'hello',
  ...more,
});
const headers = { 'content-type': 'application/x-ndjson' };
const importing = (
  raw: string | Uint8Array<ArrayBuffer> | ReadableStream,
  more: Record<string, string> = {},
  key?: string,
) =>
  api.call('POST', '/v1/messages/import', {
    raw,
    headers: { ...headers, ...more },
    ...(key === undefined ? {} : { key }),
  });
const importAll = (values: readonly unknown[]) => importing(values.map((value) => JSON.stringify(value)).join('\n'));
const allLinesOf = (text: string) =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
/** Without the last line, which is of the whole import. */
const linesOf = (text: string) => allLinesOf(text).filter(({ status }) => status !== 'end');
const storedIn = async (tenantId: string) => {
  const rows = await api.db.selectFrom('message').select(['id', 'content']).where('tenant_id', '=', tenantId).execute();
  return new Map(rows.map((row) => [row.id, row.content]));
};
const pendingIn = async (tenantId: string) =>
  (await api.db.selectFrom('embedding_pending').select('message_id').where('tenant_id', '=', tenantId).execute())
    .length;

describe('each line of an import', () => {
  test('has an outcome, in its place: stored, duplicate, or what is wrong with it', async () => {
    const tenant = freshTenant();
    const lines = [
      JSON.stringify(message(tenant, { external_id: 'a' })),
      '',
      JSON.stringify(message(tenant, { external_id: 'a' })),
      '{"tenant_id"',
      JSON.stringify(message(tenant, { role: 'robot', extra: 1 })),
      JSON.stringify(message(tenant, { external_id: 'a', content: 'other' })),
      '[]',
      JSON.stringify(message(tenant, { content: 'x'.repeat(1_048_600) })),
      JSON.stringify(message(' other')),
      JSON.stringify(message(tenant, { content: 'last' })),
    ];
    const answer = await importing(lines.join('\n'));
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('application/x-ndjson');
    const outcomes = linesOf(answer.text);
    expect(outcomes.map(({ line, status, code }) => [line, status, code])).toEqual([
      [1, 'stored', undefined],
      [3, 'duplicate', undefined],
      [4, 'error', 'malformed_json'],
      [5, 'error', 'invalid_request'],
      [6, 'conflict', 'conflict'],
      [7, 'error', 'invalid_request'],
      [8, 'error', 'payload_too_large'],
      [9, 'error', 'invalid_request'],
      [10, 'stored', undefined],
    ]);
    expect(outcomes[1].id).toBe(outcomes[0].id);
    expect(outcomes[3].errors.map((error: { pointer: string }) => error.pointer)).toEqual(['/role', '/extra']);
    expect(outcomes[4]).toMatchObject({
      existing_id: outcomes[0].id,
      differs: ['/content'],
      errors: [{ pointer: '/content' }],
    });
    expect([...(await storedIn(tenant))]).toEqual([
      [outcomes[0].id, 'hello'],
      [outcomes[8].id, 'last'],
    ]);
    expect(await pendingIn(tenant)).toBe(2);
    expect(api.notifications.some((notified) => notified.tenantId === tenant)).toBe(true);
  });

  test('can be sent again as a whole, and is stored once', async () => {
    const tenant = freshTenant();
    const values = Array.from({ length: 1500 }, (_, n) => message(tenant, { external_id: `m-${n}` }));
    const [first, again] = [linesOf((await importAll(values)).text), linesOf((await importAll(values)).text)];
    expect(first.map((outcome) => outcome.line)).toEqual(values.map((_, n) => n + 1));
    expect(first.every((outcome) => outcome.status === 'stored')).toBe(true);
    expect(again).toEqual(first.map((outcome) => ({ ...outcome, status: 'duplicate' })));
    expect((await storedIn(tenant)).size).toBe(1500);
  });

  test('that the database refuses fails alone', async () => {
    const [tenant, bad] = [freshTenant(), freshTenant()];
    await sql`alter table message add constraint refusal check (tenant_id <> ${sql.lit(bad)})`.execute(api.db);
    const outcomes = linesOf((await importAll([message(tenant), message(bad), message(tenant)])).text);
    await sql`alter table message drop constraint refusal`.execute(api.db);
    expect(outcomes.map(({ status, code }) => [status, code])).toEqual([
      ['stored', undefined],
      ['error', 'internal'],
      ['stored', undefined],
    ]);
    expect(JSON.stringify(outcomes)).not.toContain('refusal');
    expect(api.logLines.some((line) => line.includes('import line') && line.includes('refusal'))).toBe(true);
  });

  test('security: is of the key’s tenant, whatever the line says', async () => {
    const values = [
      { conversation_id: 'c', role: 'user', content: 'mine' },
      { ...message('globex'), content: 'not mine' },
    ];
    const answer = await importing(values.map((value) => JSON.stringify(value)).join('\n'), {}, keys.acme);
    expect(linesOf(answer.text)).toMatchObject([{ status: 'stored' }, { status: 'error', code: 'forbidden' }]);
    expect([...(await storedIn('acme')).values()]).toEqual(['mine']);
    expect((await storedIn('globex')).size).toBe(0);
  });
});

describe('what is not an import', () => {
  test('is refused before a line is read', async () => {
    expectProblem(await importing('{}', { 'content-type': 'text/html' }), 'unsupported_media_type');
    expectProblem(await importing('{}', { 'idempotency-key': 'k' }), 'invalid_request', [
      { in: 'header', pointer: '/idempotency-key' },
    ]);
    const unknown = await api.call('POST', '/v1/messages/import', { raw: '{}', headers, key: 'not-a-key-of-anybody' });
    expectProblem(unknown, 'unauthenticated');
  });
});

describe('while the input is open', () => {
  let open: ReadableStreamDefaultController<Uint8Array> | undefined;
  afterEach(() => open?.error(new Error('the test is over')));
  const openInput = () =>
    new ReadableStream<Uint8Array>({
      start(controller) {
        open = controller;
      },
    });
  const send = (value: object) => open?.enqueue(new TextEncoder().encode(`${JSON.stringify(value)}\n`));

  test('outcomes come as soon as lines are stored', async () => {
    const tenant = freshTenant();
    const response = await api.fetch(
      new Request('http://memory-layer/v1/messages/import', {
        method: 'POST',
        headers: { ...headers, 'x-api-key': keys.unbound },
        body: openInput(),
        duplex: 'half',
      }),
    );
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    for (const content of ['one', 'two']) {
      const next = reader?.read();
      send(message(tenant, { content }));
      expect(JSON.parse((await next)?.value ?? '')).toMatchObject({ status: 'stored' });
      expect([...(await storedIn(tenant)).values()]).toContain(content);
    }
    const end = reader?.read();
    open?.close();
    open = undefined;
    expect(JSON.parse((await end)?.value ?? '')).toMatchObject({ status: 'end', stored: 2 });
    expect((await reader?.read())?.done).toBe(true);
  });

  test('a shutdown ends it in order: what was sent is stored and answered', async () => {
    const stopping = new AbortController();
    const draining = await startTestApi({ stopping: stopping.signal });
    try {
      const tenant = freshTenant();
      const answer = draining.call('POST', '/v1/messages/import', { raw: openInput(), headers });
      send(message(tenant));
      await eventually(async () => {
        const stored = await draining.db.selectFrom('message').select('id').where('tenant_id', '=', tenant).execute();
        expect(stored).toHaveLength(1);
      });
      stopping.abort();
      expect(linesOf((await answer).text)).toMatchObject([{ line: 1, status: 'stored' }]);
    } finally {
      await draining.stop();
    }
  });

  test('a client that stops sending is not waited for', async () => {
    const impatient = await startTestApi({ importStallMs: 200 });
    try {
      const answer = impatient.call('POST', '/v1/messages/import', { raw: openInput(), headers });
      send(message(freshTenant()));
      expect(linesOf((await answer).text)).toMatchObject([{ line: 1, status: 'stored' }]);
    } finally {
      await impatient.stop();
    }
  });
});

describe('the last line of an import', () => {
  const long = '2020-01-01T00:00:00Z';

  test('has the counts of all outcomes; what has expired is not stored', async () => {
    const tenant = freshTenant();
    const lines = [
      message(tenant, { external_id: 'a' }),
      message(tenant, { external_id: 'a' }),
      message(tenant, { expires_at: long }),
      message(tenant, { role: 'robot' }),
      message(tenant, { expires_at: '3020-01-01T00:00:00Z' }),
    ];
    const answer = allLinesOf((await importAll(lines)).text);
    expect(answer.map(({ status }) => status)).toEqual(['stored', 'duplicate', 'expired', 'error', 'stored', 'end']);
    expect(answer[2]).toEqual({ line: 3, status: 'expired' });
    const others = { updated: 0, archived: 0, skipped: 0, conflict: 0 };
    expect(answer.at(-1)).toEqual({
      status: 'end',
      stored: 2,
      duplicate: 1,
      expired: 1,
      error: 1,
      ...others,
      due_for_archive: 0,
    });
    expect((await storedIn(tenant)).size).toBe(2);
  });

  test('is there for no lines, too', async () => {
    expect(allLinesOf((await importing('\n\n')).text)).toMatchObject([{ status: 'end', stored: 0 }]);
  });

  test.each([
    ['without a policy', {}, 0],
    ['an age since storing', { max_age_days: 30 }, 0],
    ['an age since created_at', { max_age_days: 30, age_of: 'created' }, 3],
    ['the same, for what is unimportant', { max_age_days: 30, age_of: 'created', importance_threshold: 0.5 }, 2],
    ['what is unimportant, at any age', { match_mode: 'any', importance_threshold: 0.5 }, 3],
    ['a legal hold', { max_age_days: 30, age_of: 'created', legal_hold: true }, 0],
  ])('tells how many are due for the archive: %s', async (_policy, policy, due) => {
    const tenant = freshTenant();
    await api.db
      .insertInto('retention_policy')
      .values({ tenant_id: tenant, ...policy } as never)
      .execute();
    // The test's clock says 2026-03-01, and the next run may be a day away.
    const lines = [
      message(tenant, { created_at: long }),
      message(tenant, { created_at: '2026-01-30T13:00:00Z' }),
      message(tenant, { created_at: '2026-02-01T00:00:00Z', importance_override: 0.9 }),
      message(tenant, { created_at: long, importance_override: 0.9 }),
      message(tenant, { created_at: '2026-02-02T00:00:00Z' }),
      message(tenant, { created_at: long, expires_at: '2026-01-01T00:00:00Z' }),
    ];
    const last = allLinesOf((await importAll(lines)).text).at(-1);
    expect(last).toMatchObject({ stored: 5, expired: 1, due_for_archive: due });
  });
});
