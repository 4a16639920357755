import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { splitIntoPassages, surelyFits, type TokenMeter } from './passage-splitter.ts';

/** Like a word-piece tokenizer: one token per started four characters of a word. */
const meter = (capacity: number): TokenMeter => ({
  capacity,
  count: (text) => text.split(/\s+/u).reduce((sum, word) => sum + Math.ceil(Array.from(word).length / 4), 0),
});

const bare = (text: string): string => text.replaceAll(/\s+/gu, '');

function expectSplit(text: string, capacity: number): string[] {
  const passages = splitIntoPassages(text, meter(capacity));
  expect(bare(passages.join(''))).toBe(bare(text));
  for (const passage of passages) {
    expect(passage.trim()).toBe(passage);
    expect(passage).not.toBe('');
    expect(meter(capacity).count(passage)).toBeLessThanOrEqual(capacity);
  }
  return passages;
}

const anyText = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 400 }),
  fc
    .array(fc.constantFrom('word', 'Longerword.', ' ', '\n\n', 'end! ', '京都', '😀', 'é', '.', '?'), {
      maxLength: 200,
    })
    .map((p) => p.join('')),
);

describe('splitIntoPassages', () => {
  test('covers all of any text with passages that fit', () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 1, max: 60 }), (text, capacity) => {
        const passages = expectSplit(text, capacity);
        expect(passages.length > 0).toBe(text.trim() !== '');
      }),
    );
  });

  test('leaves a text that fits in one piece', () => {
    expect(splitIntoPassages('One. Two. Three.', meter(8))).toEqual(['One. Two. Three.']);
  });

  test('cuts between sentences when it can', () => {
    const text = 'The first one is here. The second follows! Is the third a question? The last one ends.';
    expect(splitIntoPassages(text, meter(13))).toEqual([
      'The first one is here. The second follows!',
      'Is the third a question? The last one ends.',
    ]);
  });

  test('cuts between words inside a sentence that is too long', () => {
    expect(splitIntoPassages('alpha beta gamma delta', meter(3))).toEqual(['alpha beta', 'gamma', 'delta']);
  });

  test.each([
    ['no spaces', 'x'.repeat(100_000)],
    ['emoji', '👩‍👩‍👧‍👦'.repeat(9_000)],
    ['CJK without punctuation', '昨日は友達と京都で抹茶アイスを食べました'.repeat(5_000)],
    ['one endless sentence', 'and then '.repeat(11_000)],
    ['full stops', '.'.repeat(50_000)],
    ['mostly white space', `a${' \n'.repeat(50_000)}b`],
  ])('holds on 100 000 characters of %s', (_, text) => {
    expect(expectSplit(text, 128).length).toBeGreaterThan(0);
  });

  test('looks at no character more than a few times, whatever the text is', () => {
    // Joined lines have more tokens than the lines by themselves.
    let seen = 0;
    const counting: TokenMeter = {
      capacity: 8000,
      count: (text) => {
        seen += text.length;
        return text.length;
      },
    };
    const text = 'x\n'.repeat(30_000);
    expect(bare(splitIntoPassages(text, counting).join(''))).toBe(bare(text));
    expect(seen).toBeLessThan(20 * text.length);
  });

  test('never cuts a surrogate pair, and keeps a character that alone is too long', () => {
    const heavy: TokenMeter = { capacity: 2, count: (text) => Array.from(text).length * 5 };
    expect(splitIntoPassages('😀😀', heavy)).toEqual(['😀', '😀']);
  });

  test('gives nothing for a blank text', () => {
    expect(splitIntoPassages(' \n ', meter(4))).toEqual([]);
  });
});

describe('surelyFits', () => {
  test('counts an ASCII character as at most one token and any other as many', () => {
    expect(surelyFits('x'.repeat(99), 100)).toBe(true);
    expect(surelyFits('x'.repeat(100), 100)).toBe(false);
    expect(surelyFits('é'.repeat(3), 100)).toBe(true);
    expect(surelyFits('é'.repeat(4), 100)).toBe(false);
  });
});
