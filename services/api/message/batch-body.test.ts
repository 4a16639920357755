import { AppError } from '@memory-layer/shared/errors/app-error';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { invalidRequest, toFieldErrors } from '../http/validation-hook.ts';
import { parseBatch } from './batch-body.ts';
import { messageBatchCreateSchema } from './message.schemas.ts';
import { TimeSlicer } from '../http/time-slicer.ts';

const options = { maxItemBytes: 1_048_576, maxItemParts: 69_632, slicer: new TimeSlicer().of('t') };
// One seed: a suite that fails now and then teaches nobody.
const seed = 20_260_301;

/** What the same body would be taken for in one go. */
function parseAtOnce(text: string): unknown {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return { code: 'malformed_json' };
  }
  const checked = messageBatchCreateSchema.safeParse(body);
  if (checked.success) return checked.data.messages;
  const { code, message, errors } = invalidRequest(toFieldErrors(checked.error, 'body'));
  return { code, message, errors };
}

async function parseInParts(text: string): Promise<unknown> {
  try {
    return (await parseBatch(text, options)).items;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const { code, message, errors } = error;
    return code === 'malformed_json' ? { code } : { code, message, errors };
  }
}

/**
 * The same items, or the same refusal; but of what is no batch by its outline alone the rest need not be read: then a
 * refusal for that takes the place of one for broken JSON, or of the second of two fields called messages.
 */
async function expectTheSame(text: string): Promise<void> {
  const [expected, actual] = [parseAtOnce(text), await parseInParts(text)];
  const said = (value: unknown) => (Array.isArray(value) ? 'items' : (JSON.stringify(value) ?? ''));
  const isBroken = said(expected) === '{"code":"malformed_json"}';
  const isRefused = said(actual).startsWith('{"code":"invalid_request"');
  const isAbridged = said(actual).includes('has more beside its messages');
  expect({
    said: said(actual),
    isAllowed: said(actual) === said(expected) || isAbridged || (isBroken && isRefused),
  }).toEqual({
    said: said(actual),
    isAllowed: true,
  });
  // Not by toEqual, which would print megabytes.
  expect(said(actual) !== 'items' || JSON.stringify(actual) === JSON.stringify(expected)).toBe(true);
}

/** A message that makes the body large, so that it is parsed in parts. */
const filler = `{"content":"${'x'.repeat(262_144)}"}`;

describe('a large body is taken for what it would be in one go', () => {
  const text = fc.string({ unit: fc.constantFrom(...'ab"\\[]{},: \n\t\u00e9\u{1f44b}'.split('')), maxLength: 12 });
  const json = fc.jsonValue({ maxDepth: 3, stringUnit: 'binary' });
  const padded = fc
    .tuple(json, fc.constantFrom('', ' ', '\n\t '))
    .map(([value, blank]) => blank + JSON.stringify(value, null, blank));
  const items = fc.array(
    fc.oneof(
      padded,
      text.map((one) => JSON.stringify(one)),
    ),
    { maxLength: 6 },
  );
  const name = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom('"messages"', '"m\\u0065ssages"') },
    { weight: 2, arbitrary: fc.constantFrom('"other"', '"__proto__"', '"messages "') },
  );
  const array = items.map((all) => `[${all.join(',')}]`);
  const member = fc.tuple(name, fc.oneof({ weight: 5, arbitrary: array }, padded)).map((pair) => pair.join(':'));
  const body = fc.array(member, { minLength: 1, maxLength: 3 }).map((members) => `{${members.join(' , ')}}`);
  const withFiller = fc.tuple(body, fc.constantFrom('first', 'last', 'before', 'after')).map(([one, where]) => {
    if (where === 'first') return one.replace('[', `[${filler},`);
    if (where === 'last') return one.replace(/\](?=[^\]]*$)/, `,${filler}]`);
    return where === 'before'
      ? `{"messages":[${filler}],${one.slice(1)}`
      : `${one.slice(0, -1)},"messages":[1,${filler}]}`;
  });

  test('JSON of every kind', async () => {
    await fc.assert(
      fc.asyncProperty(withFiller, async (one) => {
        await expectTheSame(one);
      }),
      { seed, numRuns: 400 },
    );
  }, 60_000);

  test('JSON that is broken at some place', async () => {
    const broken = fc
      .tuple(withFiller, fc.nat(), fc.constantFrom('', '"', ',', ']', '}', '[', '{', ':', '\\', '1', 'x', '\0'))
      .map(([one, place, character]) => {
        const at = place % 200 < 100 ? place % 100 : one.length - (place % 100) - 1;
        return one.slice(0, Math.max(0, at)) + character + one.slice(Math.max(0, at) + 1);
      });
    await fc.assert(
      fc.asyncProperty(broken, async (one) => {
        await expectTheSame(one);
      }),
      { seed, numRuns: 600 },
    );
  }, 60_000);

  test.each([
    ['1 001 messages', `{"messages":[${Array.from({ length: 1000 }, () => '{}').join(',')},${filler}]}`],
    ['1 000 messages', `{"messages":[${Array.from({ length: 999 }, () => '{}').join(',')},${filler}]}`],
    ['none, and blanks', `{"messages":[${' '.repeat(300_000)}]}`],
    ['blanks between', `{ ${'\n'.repeat(300_000)} "messages" :\n[1] }`],
    ['a list', `[${filler}]`],
    ['a text', `"${'x'.repeat(300_000)}"`],
    ['an object in place of the list', `{"messages":${filler}}`],
    ['a text in place of the list', `{"messages":"${'x'.repeat(300_000)}"}`],
    ['an unknown field', `{"messages":[1],"other":${filler}}`],
    ['backslashes and quotes', `{"messages":["${'\\"\\\\'.repeat(80_000)}"]}`],
    ['something after it', `{"messages":[${filler}]} x`],
    ['two of them', `{"messages":[${filler}]}{}`],
    ['an end that is missing', `{"messages":[${filler}]`],
    ['a text without end', `{"messages":[${filler},"`],
    ['a comma too many', `{"messages":[${filler},]}`],
    ['two commas', `{"messages":[1,,${filler}]}`],
  ])('%s', async (_, one) => {
    await expectTheSame(one);
  });
});

test('a message that is too large is an error of its own', async () => {
  const large = `{"content":"${'é'.repeat(600_000)}"}`;
  const { items } = await parseBatch(`{"messages":[1,${large},2]}`, options);
  expect(items).toEqual([1, expect.objectContaining({ code: 'payload_too_large' }), 2]);
});

// Nothing here takes as long as one JSON.parse of it: half a second and more.
test.each([
  ['5 million empty lists', `{"messages":[${'[],'.repeat(5_000_000)}[]]}`],
  ['a field of 5 million empty lists', `{"other":[${'[],'.repeat(5_000_000)}[]]}`],
  ['a million unknown fields', `{${'"a":1,'.repeat(2_000_000)}"b":1}`],
  ['quotes alone', `{"messages":["${'\\"'.repeat(8_000_000)}"]}`],
  ['blanks alone', `{"messages":[${' '.repeat(16_000_000)}1]}`],
])('%s: the event loop has its turns', async (_, text) => {
  let turns = 0;
  let isOver = false;
  const count = (): void => {
    turns += 1;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  await parseInParts(text);
  isOver = true;
  expect(turns).toBeGreaterThan(8);
});
