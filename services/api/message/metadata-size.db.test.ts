import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectProblem } from '../testing/expect-problem.ts';
import { limits, startTestApi, type TestApi } from '../testing/test-api.ts';

let api: TestApi;
beforeAll(async () => (api = await startTestApi()));
afterAll(() => api.stop());

const message = { tenant_id: 'acme', conversation_id: 'c', role: 'user', content: 'x' };

/** Metadata of so many bytes as JSON, with keys, control characters and characters of several bytes. */
function metadataOf(bytes: number): object {
  const some = { 'key\u0001': 'é😀\u0001'.repeat(100), text: '' };
  return { ...some, text: 'x'.repeat(bytes - Buffer.byteLength(JSON.stringify(some))) };
}

const largest = metadataOf(limits.maxMetadataBytes);
const tooLarge = metadataOf(limits.maxMetadataBytes + 1);

describe('metadata above its limit is refused, wherever it comes', () => {
  const inBody = (pointer: string) => ({ in: 'body', pointer }) as const;

  test('a single message', async () => {
    const answer = await api.call('POST', '/v1/messages', { body: { ...message, metadata: tooLarge } });
    expectProblem(answer, 'invalid_request', [inBody('/metadata')]);
    expect((await api.call('POST', '/v1/messages', { body: { ...message, metadata: largest } })).status).toBe(202);
  });

  test('one of a batch, and its neighbours are stored', async () => {
    const messages = [message, { ...message, metadata: tooLarge }, { ...message, metadata: largest }];
    const answer = await api.call('POST', '/v1/messages/batch', { body: { messages } });
    expect(answer.status).toBe(207);
    expect(answer.body.created).toHaveLength(2);
    const [error, ...others] = answer.body.errors;
    expect(others).toEqual([]);
    expect(error).toMatchObject({ code: 'invalid_request', errors: [inBody('/messages/1/metadata')] });
  });

  test('a line of a stream', async () => {
    const lines = [
      { ...message, metadata: largest },
      { ...message, metadata: tooLarge },
    ];
    const answer = await api.call('POST', '/v1/messages/import', {
      raw: lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
      headers: { 'content-type': 'application/x-ndjson' },
    });
    const outcomes = answer.text.trimEnd().split('\n');
    expect(outcomes.map((line) => JSON.parse(line).status)).toEqual(['stored', 'error', 'end']);
    expect(outcomes[1]).toContain('/metadata');
  });

  test('what a search asks of metadata', async () => {
    const search = { tenant_id: 'acme', query: 'x' };
    const answer = await api.call('POST', '/v1/memory/search', { body: { ...search, metadata: tooLarge } });
    expectProblem(answer, 'invalid_request', [inBody('/metadata')]);
    const eq = 'x'.repeat(limits.maxMetadataBytes);
    for (const filter of [
      { key: 'a', eq },
      { key: eq, exists: true },
      { key: 'a', in: ['y', eq] },
    ]) {
      const filtered = await api.call('POST', '/v1/memory/search', { body: { ...search, filter } });
      expectProblem(filtered, 'invalid_request', [inBody('/filter')]);
    }
  });

  test('numbers that are short to send and long to keep', async () => {
    const numbers = Array.from({ length: 50 }, () => 5e-324);
    const metadata = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [n, numbers]));
    expect(JSON.stringify(metadata).length).toBeLessThan(limits.maxMetadataBytes / 2);
    const answer = await api.call('POST', '/v1/messages', { body: { ...message, metadata } });
    expectProblem(answer, 'invalid_request', [inBody('/metadata')]);
  });
});

test('message_metadata is answered on the paths of the service before, and nowhere else', async () => {
  const body = { ...message, tenant_id: 'names', content: 'gardening', metadata: { topic: 'garden' } };
  const created = await api.call('POST', '/v1/messages', { body });
  const batch = await api.call('POST', '/v1/messages/batch', { body: { messages: [body] } });
  const read = await api.call('GET', `/v1/messages/${created.body.id}?tenant_id=names`);
  for (const one of [created.body, ...batch.body.created, read.body]) {
    expect(one).toMatchObject({ metadata: body.metadata, message_metadata: body.metadata });
  }
  const list = await api.call('GET', '/v1/messages?tenant_id=names');
  const search = await api.call('POST', '/v1/memory/search', {
    body: { tenant_id: 'names', query: 'gardening', neighbours: 1, collapse: false },
  });
  for (const { status, body: answer, text } of [list, search]) {
    expect([status, answer.items.length]).toEqual([200, 2]);
    expect(answer.items[0].metadata).toEqual(body.metadata);
    expect(text).not.toContain('message_metadata');
  }
});
