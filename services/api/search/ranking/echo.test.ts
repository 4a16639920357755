import { describe, expect, test } from 'vitest';
import { createEchoTest, echoShare, isQuestion, mayEcho, textKey } from './echo.ts';
import { candidate } from './testing/candidates.ts';

describe('a question', () => {
  test.each([
    'Where does Ana live?',
    'Ana lives where?" ',
    '安娜住在哪里？',
    'أين تعيش آنا؟',
    'where does ana live',
    "What's new",
    'how many cats',
  ])('is %j', (text) => {
    expect(isQuestion(text)).toBe(true);
  });

  test.each([
    'Ana lives in Lisbon.',
    'When I was young I sang',
    'What I like is tea',
    'How to bake bread',
    'Why? I do not know.',
    '',
  ])('is not %j', (text) => {
    expect(isQuestion(text)).toBe(false);
  });
});

describe('texts say the same', () => {
  test.each([
    ['Where does Ana live?', 'where does  ana live ?!?'],
    ['Where does Ana live?', 'WHERE DOES ANA LIVE'],
    ['I said "yes".', 'I said yes'],
    ['Ｏｋ！', 'ok'],
    ['你好！', '你好。'],
  ])('%j and %j', (a, b) => {
    expect(textKey(a)).toBe(textKey(b));
  });

  test.each([
    ['Ana lives in Lisbon.', 'Ana lives in Lisbon?'],
    ['I write C', 'I write C#'],
    ['It was -5 degrees', 'It was 5 degrees'],
    ['version 1.2', 'version 12'],
    ['👍', '👎'],
    ['...', '?!'],
  ])('but not %j and %j', (a, b) => {
    expect(textKey(a)).not.toBe(textKey(b));
  });
});

describe('a question is repeated', () => {
  test.each([
    ['Where does Ana live?', 'where does Ana live', true],
    ['Where does Ana live?', 'So where does Ana live?', true],
    ['Where does Ana live?', 'Where does Bob live?', false],
    ['Where does Ana live?', 'Ana lives in Lisbon near the river.', false],
    ['Does Ana live here?', 'Ana does live here.', false],
    ['Where does Ana live?', '?', false],
    ['Where does Ana live?', 'Where does Ana live? She told me yesterday, and I forgot. Do you know it?', false],
  ])('%j by %j: %s', (query, text, expected) => {
    expect(createEchoTest(query)?.(text)).toBe(expected);
  });

  test('but nothing repeats what is no question', () => {
    expect(createEchoTest('Ana lives in Lisbon.')).toBeUndefined();
  });

  test.each([
    ['all words of the query', [1, 2], 2, true],
    ['and the name of a speaker', [1, 2], 5, true],
    ['one of two words', [1, 0], 2, false],
    ['many other words', [1, 2], 12, false],
    ['words that nobody scores', [], 5, true],
    ['more words than the query', [], 12, false],
  ])('perhaps by what has %s', (_, termScores, wordCount, expected) => {
    expect(mayEcho(candidate('a', { termScores, wordCount }), 5)).toBe(expected);
  });

  test('perhaps by what has as many words as a query of which only some are scored', () => {
    const scored = Array.from({ length: 32 }, () => 1);
    expect(mayEcho(candidate('a', { termScores: scored, wordCount: 60 }), 50)).toBe(true);
    expect(mayEcho(candidate('a', { termScores: scored.slice(1), wordCount: 60 }), 50)).toBe(false);
  });

  test('and less of it counts the greater the weight is', () => {
    expect([0, 1, 1000].map(echoShare)).toEqual([1, 0.25, 1 / 3001]);
  });
});
