import { expect, test } from 'vitest';
import { isNamed, wordsOf } from './speaker.ts';

const asked = new Set(wordsOf('What did Ana’s brother say about JÜRGEN?'));

test.each([
  ['Ana', true],
  ['Ana Souza', true],
  ['jürgen', true],
  ['Anabel', false],
  ['S.', false],
  ['', false],
  [undefined, false],
])('%j is named: %j', (speaker, expected) => {
  expect(isNamed(speaker, asked)).toBe(expected);
});
