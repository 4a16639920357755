import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { splitIntoPassages, type TokenMeter } from './passage-splitter.ts';
import { nextPart, partLimit, splitInParts } from './split-part.ts';
import { normalisedLength } from './token-estimate.ts';
import { nonEmpty } from '../testing/non-empty.ts';

/** Like a word-piece tokenizer: one token per started four characters of a word. */
const meter = (capacity: number): TokenMeter => ({
  capacity,
  count: (text) => text.split(/\s+/u).reduce((sum, word) => sum + Math.ceil(Array.from(word).length / 4), 0),
});

const bare = (text: string): string => text.replaceAll(/\s+/gu, '');

/** @returns the passages, and the parts they were cut from. */
async function splitRecorded(text: string, limit: number, capacity = 128) {
  const parts: string[] = [];
  const passages = await splitInParts(
    async (part) => {
      parts.push(part);
      return splitIntoPassages(part, meter(capacity));
    },
    text,
    limit,
  );
  return { parts, passages };
}

const limit = partLimit(128);
const sentence = 'It is one of many sentences that somebody wrote without saying much. ';

describe('a long text', () => {
  test.each([
    ['sentences', sentence.repeat(1500)],
    ['no spaces', 'x'.repeat(100_000)],
    ['lines', 'x\n'.repeat(50_000)],
    ['CJK without punctuation', '昨日は友達と京都で抹茶アイスを食べました'.repeat(5000)],
    ['emoji of several code points', '👩‍👩‍👧‍👦'.repeat(9000)],
    ['combining marks', `a${'\u0301'.repeat(99_999)}`],
    ['what normalisation makes 18 times as long', '\ufdfa'.repeat(99_990)],
  ])('is cut in parts of a bounded length, in few steps, and none of it is lost: %s', async (_, text) => {
    const { parts, passages } = await splitRecorded(text, limit);
    expect(bare(passages.join(''))).toBe(bare(text));
    // A step of 512 characters is the least that is looked at.
    for (const part of nonEmpty(parts)) expect(normalisedLength(part)).toBeLessThanOrEqual(Math.max(limit, 18 * 512));
    expect(parts.length).toBeLessThanOrEqual(2 + (2.5 * normalisedLength(text)) / limit);
  });

  test('has the passages of a text that is cut at once: the last of a part goes on in the next', async () => {
    const text = sentence.repeat(1500);
    const { parts, passages } = await splitRecorded(text, limit);
    expect(parts.length).toBeGreaterThan(10);
    expect(passages).toEqual(splitIntoPassages(text, meter(128)));
  });

  test('gets on by half a part at least, whatever its passages are', async () => {
    // A short passage before one that fills the rest of the part, again and again.
    let parts = 0;
    const split = async (part: string) => {
      parts += 1;
      return [part.slice(0, 2), part.slice(2)].filter((passage) => passage !== '');
    };
    const text = 'x'.repeat(100_000);
    const passages = await splitInParts(split, text, 8192);
    expect(parts).toBeLessThanOrEqual(26);
    expect(passages.join('')).toBe(text);
  });

  test('ends between two parts when nobody waits any more', async () => {
    const abort = new AbortController();
    const parts: string[] = [];
    const splitting = splitInParts(
      async (part) => {
        parts.push(part);
        abort.abort(new Error('gone'));
        return [part];
      },
      'x'.repeat(100_000),
      8192,
      { signal: abort.signal },
    );
    await expect(splitting).rejects.toThrow('gone');
    expect(parts).toHaveLength(1);
  });
});

describe('a part', () => {
  test('ends after a line, a sentence or a word, where there is one', () => {
    const cut = (text: string) => text.slice(0, nextPart(text, 0, 1024).end);
    const filler = 'word '.repeat(190);
    expect(cut(`${filler}One line.\nAnother one, ${filler}`).endsWith('One line.\n')).toBe(true);
    expect(cut(`${filler}One here. Another one, ${filler}`).endsWith('One here. ')).toBe(true);
    expect(cut(`${filler}${'longer '.repeat(100)}`).endsWith('longer ')).toBe(true);
  });

  test('never ends inside a character', () => {
    const unit = fc.constantFrom('😀', '👩‍👩‍👧‍👦', 'é', 'x', '京', '\ufdfa');
    fc.assert(
      fc.property(fc.array(unit, { minLength: 600, maxLength: 1500 }), (units) => {
        const text = units.join('');
        const { end } = nextPart(text, 0, 512);
        expect(end).toBeGreaterThan(0);
        expect(text.slice(0, end).isWellFormed()).toBe(true);
        expect(text.slice(end).isWellFormed()).toBe(true);
      }),
    );
  });

  test('is as large for a model with a long window as its passages need', () => {
    expect([8, 128, 512, 2048, 8192, 131_072].map(partLimit)).toEqual([8192, 8192, 8192, 24_576, 32_768, 32_768]);
  });
});
