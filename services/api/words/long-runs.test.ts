import { describe, expect, test } from 'vitest';
import { normalise } from './letters.ts';
import { readWords } from './text-words.ts';

const length = 100_000;
const fill = (unit: string) => unit.repeat(length / unit.length);

describe('a text of 100 000 characters is read in the time that its length takes', () => {
  test.each([
    ['marks out of their order', `a${'\u0301'.repeat(length / 2)}${'\u0323'.repeat(length / 2)}`],
    ['marks that take turns', `a${fill('\u0323\u0301')}`],
    ['marks with what is not seen between them', `a${fill(`${'\u0323\u0301'.repeat(12)}\u200d`)}`],
    ['letters of a script without spaces, each by itself', fill('ก ')],
  ])('%s', (_, text) => {
    const plain = timeOf('é '.repeat(length / 2));
    expect(timeOf(text)).toBeLessThan(10 * plain + 100);
  });
});

function timeOf(text: string): number {
  const from = performance.now();
  readWords(text);
  return performance.now() - from;
}

test('a letter keeps thirty marks, and the next one its own', () => {
  expect(normalise(`x${'\u0323'.repeat(40)}e\u0323`)).toBe(`x${'\u0323'.repeat(30)}ẹ`);
});

test('runs of a script without spaces are divided as each is by itself', () => {
  const runs = Array.from({ length: 300 }, (_, n) => ['ภาษาไทย', 'ไก่', 'ក', 'မြန်မာ', 'ລາວ'][n % 5] ?? '');
  const others = ['ภาษาไทย'.repeat(400), ...runs, 'ก'];
  const text = others.map((run, n) => `${n} ${run}.`).join(' word ');
  const expected = others.flatMap((run, n) => [...(n === 0 ? [] : ['word']), String(n), ...readWords(run).words]);
  expect(readWords(text).words).toEqual(expected);
});
