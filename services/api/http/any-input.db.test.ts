import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Answer } from '../testing/call.ts';
import { startTestApi, type TestApi } from '../testing/test-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());

// One seed: a suite that fails now and then teaches nobody. Change it to look elsewhere.
const seed = 20_260_301;
const many = { seed, numRuns: 100 };
const few = { seed, numRuns: 30 };

// Characters that mean something to SQL, JSON, tsquery, LIKE, arrays, parsers of words, or nothing to anybody.
const nasty = fc.oneof(
  fc.constantFrom(...`'"\\\`%_$;:,.-&|!()<>*{}[]/@#~^?=+ \t\n\0`.split('')),
  fc.constantFrom('--', '/*', '<->', ':*', '$1', 'NULL', 'the', 'cat', 'http://a.b/c?d', 'a@b.c', '-1e5'),
  fc.constantFrom('\u202e', 'İ', 'Ⱥ', 'ß', 'e\u0301', '漢', '\uffff', '\u{10ffff}', '\u{1f44b}', 'x'.repeat(2048)),
  fc.constantFrom('\ud800', '\udc00'),
);
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(nasty, { maxLength: 20 }).map((parts) => parts.join('')),
);
const key = fc.oneof(text, fc.constantFrom('__proto__', 'constructor', 'toString', 'a', ''));
const number = fc.oneof(
  fc.integer(),
  fc.double({ noDefaultInfinity: true, noNaN: true }),
  fc.constantFrom(0, 1, 2 ** 53),
);

// Objects are made through entries, so that __proto__ is a key like any other.
const anything = fc.letrec<{ json: unknown; object: unknown }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom(null, true, false),
    number,
    text,
    fc.array(tie('json'), { maxLength: 5 }),
    tie('object'),
  ),
  object: fc.array(fc.tuple(key, tie('json')), { maxLength: 5 }).map((entries) => Object.fromEntries(entries)),
}));

const maybe = <T>(value: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 20, arbitrary: value }, { weight: 1, arbitrary: anything.json });
const seldom = <T>(value: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 12, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: maybe(value) });
const metadata = fc.array(fc.tuple(key, anything.json), { maxLength: 4 }).map((entries) => Object.fromEntries(entries));
const instant = fc
  .date({ min: new Date(0), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true })
  .map((date) => date.toISOString());
// Keys and values of any kind, in the form of a filter.
const condition = fc
  .tuple(fc.oneof(text, fc.array(key, { minLength: 1, maxLength: 3 })), fc.constantFrom('eq', 'ne', 'gt', 'lte'))
  .chain(([path, operator]) => fc.record({ key: fc.constant(path), [operator]: fc.oneof(text, number) }));
const filter = fc.oneof(condition, fc.record({ or: fc.array(condition, { minLength: 1, maxLength: 3 }) }));
const role = fc.constantFrom('user', 'assistant', 'system', 'tool');

const message = fc.record(
  {
    tenant_id: fc.constant('any'),
    conversation_id: fc.constant('c'),
    role: maybe(role),
    content: maybe(text),
    metadata: maybe(metadata),
    importance: maybe(fc.double({ min: 0, max: 1, noNaN: true })),
    created_at: maybe(instant),
    expires_at: maybe(instant),
  },
  { requiredKeys: ['tenant_id', 'conversation_id', 'role', 'content'] },
);

const search = fc.record(
  {
    tenant_id: fc.constant('any'),
    query: maybe(text),
    mode: maybe(fc.constantFrom('hybrid', 'vector', 'lexical')),
    top_k: maybe(fc.integer({ min: 1, max: 100 })),
    conversation_ids: maybe(fc.array(fc.constantFrom('c', 'd'))),
    roles: maybe(fc.array(role)),
    created_after: maybe(instant),
    created_before: maybe(instant),
    importance_min: maybe(fc.double({ min: 0, max: 1, noNaN: true })),
    metadata: maybe(metadata),
    filter: seldom(filter),
    neighbours: seldom(fc.integer({ min: 0, max: 10 })),
    weights: seldom(fc.record({ relevance: number, context: number }, { requiredKeys: [] })),
    similarity_min: seldom(fc.double({ min: -1, max: 1, noNaN: true })),
    diversity: seldom(fc.double({ min: 0, max: 1, noNaN: true })),
    half_life_days: seldom(fc.double({ min: 0.01, max: 36_500, noNaN: true })),
    cursor: seldom(text),
  },
  { requiredKeys: ['tenant_id', 'query'] },
);

describe('whatever JSON is sent', () => {
  test('a message is stored and comes back exactly, or is refused', async () => {
    let stored = 0;
    await fc.assert(
      fc.asyncProperty(message, async (body) => {
        const answer = await api.call('POST', '/v1/messages', { body });
        expectStatus(answer, [202, 422]);
        if (answer.status !== 202) return;
        stored += 1;
        const read = await api.call('GET', `/v1/messages/${answer.body.id}?tenant_id=any`);
        expect(read.body).toEqual(answer.body);
        expect(read.body.content).toBe(body.content);
        expectSameJson(read.body.metadata, body.metadata ?? {});
      }),
      many,
    );
    // Else the property looked at refusals only.
    expect(stored).toBeGreaterThan(20);
  });

  test('a batch answers for each of its items', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(maybe(message), { minLength: 1, maxLength: 10 }), async (messages) => {
        const answer = await api.call('POST', '/v1/messages/batch', { body: { messages } });
        expectStatus(answer, [202, 207]);
        expect(answer.body.created.length + answer.body.errors.length).toBe(messages.length);
        const refused = new Set(answer.body.errors.map((error: { message_index: number }) => error.message_index));
        const accepted = messages.filter((_, index) => !refused.has(index));
        expect(answer.body.created.map((item: { content: string }) => item.content)).toEqual(
          accepted.map((item) => (item as { content: unknown }).content),
        );
      }),
      few,
    );
  });

  test('a search is answered or refused', async () => {
    let answered = 0;
    await fc.assert(
      fc.asyncProperty(search, async (body) => {
        const answer = await api.call('POST', '/v1/memory/search', { body });
        expectStatus(answer, [200, 422]);
        answered += Number(answer.status === 200);
      }),
      many,
    );
    expect(answered).toBeGreaterThan(10);
  });

  test.each([
    '/v1/messages',
    '/v1/messages/batch',
    '/v1/memory/search',
    '/v1/admin/retention/run',
    '/v1/admin/embeddings/retry',
  ])('%s refuses what has nothing to do with it', async (path) => {
    await fc.assert(
      fc.asyncProperty(anything.json, async (body) => {
        expect((await api.call('POST', path, { raw: JSON.stringify(body) })).status).toBe(422);
      }),
      few,
    );
  });
});

test('nothing was logged as our fault', () => {
  expect(api.logLines.filter((line) => /"level":"(error|warn|fatal)"/.test(line))).toEqual([]);
});

/** With the text of the answer in the failure. */
function expectStatus({ status, text: said }: Answer, expected: readonly number[]): void {
  expect({ said, known: expected.includes(status) }).toEqual({ said, known: true });
}

/** Deep equality as JSON has it: a key named __proto__ counts, the sign of zero does not. */
function expectSameJson(actual: unknown, expected: unknown): void {
  expect(sorted(actual)).toBe(sorted(expected));
}

function sorted(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(sorted).join()}]`;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([name, item]) => `${JSON.stringify(name)}:${sorted(item)}`).join()}}`;
}
