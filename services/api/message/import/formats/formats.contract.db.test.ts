import { readFileSync } from 'node:fs';
import { nonEmpty } from '@memory-layer/shared/testing/non-empty';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keys, startTestApi, type TestApi } from '../../../testing/test-api.ts';
import { importFormats } from './catalog.ts';
import { formatCases as cases } from './testing/format-cases.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());

const fixture = (name: string) => readFileSync(new URL(`testing/${name}`, import.meta.url));
const typeOf = (name: string) => (name.endsWith('.txt') ? 'text/plain' : 'application/json');
const linesOf = (text: string) =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
    .filter(({ status }) => status !== 'end');

async function send(body: string | Uint8Array<ArrayBuffer>, query: Record<string, string>, type = 'application/json') {
  const path = `/v1/messages/import?${String(new URLSearchParams(query))}`;
  return api.call('POST', path, { raw: body, headers: { 'content-type': type }, key: keys.unbound });
}

let tenants = 0;
const freshTenant = () => `formats-${(tenants += 1)}`;

test('every format has a fixture', () => {
  expect(new Set(cases.map(({ format }) => format))).toEqual(new Set(importFormats.keys()));
});

describe.each(cases)('$format: $file', ({ format, file, query = {}, messages, skipped }) => {
  const body = fixture(file);
  const type = typeOf(file);
  const placeOf = ({ line, pointer }: { line?: number; pointer?: string }) => pointer ?? line;

  test('is recognised, shown by a dry run, stored, and stored once', async () => {
    const tenant = freshTenant();
    const dry = await send(body, { ...query, tenant_id: tenant, dry_run: 'true' }, type);
    expect(dry.status).toBe(200);
    const shown = linesOf(dry.text);
    expect(shown.at(-1)).toMatchObject({
      status: 'summary',
      format,
      timezone: query['timezone'] ?? 'UTC',
      messages: messages.length,
      skipped: skipped.length,
      error: 0,
    });
    const mapped = shown.filter(({ status }) => status === 'mapped').map(({ message }) => message);
    const first = messages.slice(0, 10);
    expect(mapped.map((one) => [one.conversation_id, one.role, one.content, one.metadata])).toEqual(
      first.map(([conversation, role, content, metadata]) => [conversation, role, content, metadata]),
    );
    expect((await api.call('GET', `/v1/messages?tenant_id=${tenant}`)).body.items).toEqual([]);

    const outcomes = linesOf((await send(body, { ...query, tenant_id: tenant }, type)).text);
    expect(outcomes.filter(({ status }) => status === 'stored')).toHaveLength(messages.length);
    const passedOver = outcomes.filter(({ status }) => status === 'skipped');
    expect(passedOver.map((one) => [placeOf(one), one.reason])).toEqual(skipped);
    const places = outcomes.map(placeOf);
    expect(nonEmpty(places).every((place) => place !== undefined)).toBe(true);
    const stored = await api.db
      .selectFrom('message')
      .select(['conversation_id', 'role', 'content', 'metadata', 'created_at', 'external_id'])
      .where('tenant_id', '=', tenant)
      .execute();
    const byContent = (rows: readonly (readonly unknown[])[]) =>
      rows.toSorted((a, b) => (String(a[2]) < String(b[2]) ? -1 : 1));
    expect(byContent(stored.map((row) => [row.conversation_id, row.role, row.content, row.metadata]))).toEqual(
      byContent(messages.map(([conversation, role, content, metadata]) => [conversation, role, content, metadata])),
    );
    for (const [, , content, , createdAt] of nonEmpty(messages)) {
      const row = stored.find((one) => one.content === content);
      expect(row?.created_at.toISOString()).toBe(createdAt ?? row?.created_at.toISOString());
      expect(row?.external_id).toMatch(new RegExp(`^${format}:`));
    }

    const again = linesOf((await send(body, { ...query, tenant_id: tenant, format }, type)).text);
    expect(again).toEqual(outcomes.map((one) => (one.status === 'stored' ? { ...one, status: 'duplicate' } : one)));
  });

  test('goes on behind the outcomes that an import which broke off has answered', async () => {
    const tenant = freshTenant();
    const all = linesOf((await send(body, { ...query, tenant_id: tenant }, type)).text);
    const rest = linesOf((await send(body, { ...query, tenant_id: tenant, skip: '1' }, type)).text);
    expect(rest.map(placeOf)).toEqual(all.slice(1).map(placeOf));
  });

  test('comes in parts of any size', async () => {
    const tenant = freshTenant();
    const parts = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let at = 0; at < body.length; at += 7) controller.enqueue(body.subarray(at, at + 7));
        controller.close();
      },
    });
    const path = `/v1/messages/import?${String(new URLSearchParams({ ...query, tenant_id: tenant, format }))}`;
    const answer = await api.call('POST', path, { raw: parts, headers: { 'content-type': type } });
    expect(linesOf(answer.text).filter(({ status }) => status === 'stored')).toHaveLength(messages.length);
  });
});
