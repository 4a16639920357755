import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApi, type TestApi } from '../../testing/test-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());

let tenants = 0;
const freshTenant = () => `order-${(tenants += 1)}`;
const lineOf = (tenant_id: string, n: number, more: object = {}) =>
  JSON.stringify({ tenant_id, conversation_id: 'c', role: 'user', content: `line ${n}`, ...more });

/** Imports a text that comes in pieces of these sizes, over and over. @returns the outcomes. */
async function importText(text: string, sizes: readonly number[]): Promise<{ line: number; status: string }[]> {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  let pieces = 0;
  const raw = new ReadableStream<Uint8Array>({
    pull(controller) {
      const size = sizes[(pieces += 1) % sizes.length] ?? bytes.length;
      if (at < bytes.length) controller.enqueue(bytes.slice(at, at + size));
      else controller.close();
      at += size;
    },
  });
  const answer = await api.call('POST', '/v1/messages/import', {
    raw,
    headers: { 'content-type': 'application/x-ndjson' },
  });
  expect(answer.status).toBe(200);
  return answer.text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
    .filter(({ status }) => status !== 'end');
}

/** The conversation, as it is listed. */
async function listed(tenantId: string): Promise<{ id: string; content: string; created_at: string }[]> {
  const items: { id: string; content: string; created_at: string }[] = [];
  let cursor = '';
  do {
    const query = `tenant_id=${tenantId}&conversation_id=c&limit=200${cursor}`;
    const { body } = await api.call('GET', `/v1/messages?${query}`);
    items.push(...body.items);
    cursor = body.next_cursor === null ? '' : `&cursor=${body.next_cursor}`;
  } while (cursor !== '');
  return items;
}

// Few lines and many, in pieces from a byte on; a group is 100 lines here, and 65 536 characters.
const stream = fc.record({
  lines: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 95, max: 1100 })),
  sizes: fc.array(fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 300, max: 100_000 })), {
    minLength: 1,
    maxLength: 4,
  }),
  lastNewline: fc.boolean(),
  lengthOfSome: fc.constantFrom(0, 3000),
});

test('a conversation has the order of the lines, however many they are and wherever the stream is cut', async () => {
  await fc.assert(
    fc.asyncProperty(stream, async ({ lines, sizes, lastNewline, lengthOfSome }) => {
      const tenant = freshTenant();
      const filler = 'x'.repeat(lengthOfSome);
      const texts = Array.from({ length: lines }, (_, n) =>
        lineOf(tenant, n, n % 7 === 3 && filler !== '' ? { metadata: { filler } } : {}),
      );
      // Single bytes of a long text take long, and are cuts like any other.
      const pieces = lines > 12 ? sizes.map((size) => Math.max(50, size)) : sizes;
      const outcomes = await importText(texts.join('\n') + (lastNewline ? '\n' : ''), pieces);
      expect(outcomes.map(({ line }) => line)).toEqual(texts.map((_, n) => n + 1));
      const items = await listed(tenant);
      expect(items.map(({ content }) => content)).toEqual(texts.map((_, n) => `line ${n}`));
      expect(items.map(({ id }) => id).toSorted()).toEqual(items.map(({ id }) => id));
    }),
    { numRuns: 25, endOnFailure: true },
  );
});

const idCount = fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 400 }));

test('of lines with one external id the first is stored, wherever the stream is cut', async () => {
  await fc.assert(
    fc.asyncProperty(stream, idCount, async ({ lines, sizes, lastNewline }, ids) => {
      const tenant = freshTenant();
      const texts = Array.from({ length: lines }, (_, n) => lineOf(tenant, n, { external_id: `m${n % ids}` }));
      const pieces = lines > 12 ? sizes.map((size) => Math.max(50, size)) : sizes;
      const outcomes = await importText(texts.join('\n') + (lastNewline ? '\n' : ''), pieces);
      const stored = Math.min(ids, lines);
      expect(outcomes.map(({ status }) => status === 'stored')).toEqual(texts.map((_, n) => n < stored));
      const items = await listed(tenant);
      expect(items.map(({ content }) => content)).toEqual(Array.from({ length: stored }, (_, n) => `line ${n}`));
    }),
    { numRuns: 15, endOnFailure: true },
  );
});

test('the messages of a batch of any size are in its order, and of one external id the first is stored', async () => {
  for (const count of [3, 33, 1000]) {
    const tenant = freshTenant();
    const messages = Array.from({ length: count }, (_, n) => ({
      ...JSON.parse(lineOf(tenant, n)),
      metadata: { filler: 'x'.repeat(1000) },
      ...(n % 10 === 0 ? { external_id: `m${n % 30}` } : {}),
    }));
    await api.call('POST', '/v1/messages/batch', { body: { messages } });
    const first = messages.map((_, n) => n).filter((n) => n % 10 !== 0 || n < 30);
    expect((await listed(tenant)).map(({ content }) => content)).toEqual(first.map((n) => `line ${n}`));
  }
});
