import { expect, test } from 'vitest';
import { estimateTokens, normalisedLength } from './token-estimate.ts';

test.each([
  ['English', 'three letters.', 5],
  ['nothing', '', 0],
  ['other scripts: a token a character', '京都で', 3],
  ['what normalisation makes longer, as what it becomes', '\ufdfa', 16],
  ['what it makes shorter', 'e\u0301'.repeat(10), 10],
])('%s', (_, text, tokens) => {
  expect(estimateTokens(text)).toBe(tokens);
});

test('length after normalisation', () => {
  expect(['abc', '\ufdfa\ufdfa', 'e\u0301'].map(normalisedLength)).toEqual([3, 36, 1]);
});
