import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApi, type TestApi } from '../testing/test-api.ts';
import { expectProblem } from '../testing/expect-problem.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());

// One seed: a suite that fails now and then teaches nobody. Change it to look elsewhere.
const seed = 20_260_301;
const maxCharacters = 100_000;

const tenant_id = 'hostile';
const message = (content: string, more: object = {}) => ({
  tenant_id,
  conversation_id: 'c',
  role: 'user',
  content,
  ...more,
});

/** Characters whose words, lower cases, widths and stems differ in what they cost, from one to four bytes. */
const ranges: readonly (readonly [number, number])[] = [
  [0x20, 0x7e],
  [0x61, 0x7a],
  [0xc0, 0x24f],
  [0x3041, 0x30ff],
  [0x4e00, 0x9fff],
  [0xac00, 0xd7a3],
  [0xfb50, 0xfdff],
  [0x10400, 0x1044f],
  [0x1f300, 0x1faff],
  [0x20000, 0x2a6df],
];
const joints = ['', ' ', '-', '.', '_', '/', '@', '~', '://', "'", ':', '\n', '<', '&#', '+', '\u200d'];

/**
 * Texts of up to 100 000 characters: many words that differ, or one again and again, of every length, joined by what
 * PostgreSQL's parser takes for part of a word. Made from a few numbers, so that a failure is printed in a line.
 */
const content = fc
  .record({
    range: fc.constantFrom(...ranges),
    wordLength: fc.oneof(fc.integer({ min: 1, max: 6 }), fc.constantFrom(20, 255, 2046, 2047, 3000, 50_000)),
    wordsInRow: fc.constantFrom(1, 3, 40, 2000),
    joint: fc.constantFrom(...joints),
    separator: fc.constantFrom(' ', '\n', '', '-'),
    differs: fc.boolean(),
    length: fc.constantFrom(1, 300, 20_000, maxCharacters),
  })
  .map(textOf);

function textOf(shape: {
  readonly range: readonly [number, number];
  readonly wordLength: number;
  readonly wordsInRow: number;
  readonly joint: string;
  readonly separator: string;
  readonly differs: boolean;
  readonly length: number;
}): string {
  const [first, last] = shape.range;
  const parts: string[] = [];
  let state = 1;
  for (let length = 0, word = 0; length < shape.length; word++) {
    for (let n = 0; n < shape.wordLength && length < shape.length; n++, length++) {
      if (shape.differs) state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
      parts.push(String.fromCodePoint(first + ((state >> 8) % (last - first + 1))));
    }
    const between = word % shape.wordsInRow === shape.wordsInRow - 1 ? shape.separator : shape.joint;
    parts.push(between);
    length += between.length;
  }
  // Something that is no blank, and no more than there may be.
  return ['x', ...Array.from(parts.join('')).slice(0, shape.length - 1)].join('');
}

const speaker = fc.oneof(
  fc.constantFrom(
    'Ana',
    '',
    'x'.repeat(256),
    'x'.repeat(257),
    'word '.repeat(12_000),
    '漢'.repeat(20_000),
    '_a'.repeat(30_000),
  ),
  fc.constantFrom(7, null, true),
  fc.constant([['Ana']]),
  fc.constant({ speaker: 'Ana' }),
);
const metadata = fc.oneof(
  fc.record({ speaker }),
  fc.record({
    speaker: fc.constant('Ana'),
    ['k'.repeat(3000)]: fc.constantFrom(1.5e-300, 5e-324, -0, 2 ** 53 - 1, '\u{10ffff}'.repeat(10_000)),
  }),
);

describe('whatever may be sent by the limits', () => {
  test('is stored, and so are its neighbours', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(content, metadata), { minLength: 1, maxLength: 4 }), async (hostile) => {
        const messages = hostile.flatMap(([text, data]) => [message('a neighbour'), message(text, { metadata: data })]);
        const { status, body } = await api.call('POST', '/v1/messages/batch', { body: { messages } });
        expect({ status, errors: body.errors, stored: body.created?.length }).toEqual({
          status: 202,
          errors: [],
          stored: messages.length,
        });
      }),
      { seed, numRuns: 25 },
    );
  }, 180_000);

  test('comes back as it was sent', async () => {
    const data = { speaker: 'x'.repeat(60_000) };
    const answer = await api.call('POST', '/v1/messages', { body: message(' x\n', { metadata: data }) });
    expect(answer.status).toBe(202);
    const read = await api.call('GET', `/v1/messages/${answer.body.id}?tenant_id=${tenant_id}`);
    expect(read.body).toMatchObject({ content: ' x\n', metadata: data });
  });

  test('nothing was logged as our fault', () => {
    expect(api.logLines.filter((line) => /"level":"(error|warn|fatal)"/.test(line))).toEqual([]);
  });
});

describe('what the database refuses all the same', () => {
  // As a limit of the database that nobody knows of.
  const refusing = async (text: string, work: () => Promise<void>) => {
    await sql`
      create function refuse_some() returns trigger language plpgsql as $$
      begin
        if new.content = ${sql.lit(text)} then raise program_limit_exceeded; end if;
        return new;
      end $$`.execute(api.db);
    await sql`create trigger refusal before insert on message for each row execute function refuse_some()`.execute(
      api.db,
    );
    try {
      await work();
    } finally {
      await sql`drop trigger refusal on message`.execute(api.db);
      await sql`drop function refuse_some`.execute(api.db);
    }
  };

  test('is the client’s to change, and ours to look into', async () => {
    await refusing('bad', async () => {
      expectProblem(await api.call('POST', '/v1/messages', { body: message('bad') }), 'invalid_request', [
        { in: 'body', pointer: '' },
      ]);
      const logged = api.logLines.filter((line) => line.includes('refuses a message'));
      expect(logged).toHaveLength(1);
      expect(logged[0]).toContain('"level":"error"');
    });
  });

  test.each([{}, { 'idempotency-key': 'k' }])('fails no other item of its batch, with headers %j', async (headers) => {
    await refusing('bad', async () => {
      const contents = ['a', 'b', 'bad', 'c', 'bad', 'd', 'e'];
      const body = { messages: contents.map((text) => message(text)) };
      const answer = await api.call('POST', '/v1/messages/batch', { body, headers });
      expect(answer.status).toBe(207);
      expect(answer.body.created.map((item: { content: string }) => item.content)).toEqual(['a', 'b', 'c', 'd', 'e']);
      expect(answer.body.errors).toMatchObject([
        { message_index: 2, code: 'invalid_request', errors: [{ in: 'body', pointer: '/messages/2' }] },
        { message_index: 4, code: 'invalid_request', errors: [{ in: 'body', pointer: '/messages/4' }] },
      ]);
      if (!('idempotency-key' in headers)) return;
      const again = await api.call('POST', '/v1/messages/batch', { body, headers });
      expect([again.status, again.body]).toEqual([207, answer.body]);
    });
  });
});
