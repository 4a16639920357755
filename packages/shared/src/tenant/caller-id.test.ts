import { expect, test } from 'vitest';
import { callerIdSchema, decodeCallerId, isCallerId, toJobIdPart } from './caller-id.ts';

const spellings = [
  'acme',
  'auth0|a1',
  'ana@example.org',
  'C024:1714',
  '!room:server',
  '42',
  'a b',
  '日本',
  'x'.repeat(128),
];
const astral = '\u{10400}';

test.each([...spellings, '\u{1f469}\u200d\u{1f680}', "a'b", 'a/b', '*', '%', '__proto__', astral.repeat(128)])(
  '%j is an id',
  (text) => {
    expect(isCallerId(text)).toBe(true);
    expect(callerIdSchema.parse(text)).toBe(text);
    expect(decodeCallerId(encodeURIComponent(text))).toBe(text);
  },
);

test.each([
  ['nothing', ''],
  ['a blank', ' '],
  ['a blank before it', ' a'],
  ['a tab after it', 'a\t'],
  ['a no-break space after it', 'a\u00a0'],
  ['a byte-order mark before it', '\ufeffa'],
  ['a NUL', 'a\0b'],
  ['a line feed', 'a\nb'],
  ['an escape of a terminal', 'a\u001b[2Jb'],
  ['a control character of Latin-1', 'a\u009bb'],
  ['a line separator', 'a\u2028b'],
  ['half a pair', 'a\ud800b'],
  ['the other half', '\udc00'],
  ['no character', 'a\uffff'],
  ['a character more than may be', 'x'.repeat(129)],
  ['the same, of four bytes', astral.repeat(129)],
  ['very many', 'x'.repeat(1_000_000)],
])('%s is no id', (_what, text) => {
  expect(isCallerId(text)).toBe(false);
  expect(callerIdSchema.safeParse(text).success).toBe(false);
});

test.each(['%', '%zz', '%ff', 'a%00', '%20a', ''])('%j is no percent-encoded id', (text) => {
  expect(decodeCallerId(text)).toBeUndefined();
});

test('a plain id names jobs by itself, and no two ids by the same name', () => {
  expect(toJobIdPart('acme.corp-1_2')).toBe('acme.corp-1_2');
  const names = spellings.flatMap((id) => [toJobIdPart(id), toJobIdPart(toJobIdPart(id).replace('%', ''))]);
  expect(names.every((name) => /^[A-Za-z0-9_.%-]{1,128}$/.test(name))).toBe(true);
  const plain = spellings.filter((id) => toJobIdPart(id) === id).length;
  expect(new Set(names).size).toBe(names.length - plain);
});
