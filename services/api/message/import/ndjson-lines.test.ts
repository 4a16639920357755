import { AppError } from '@memory-layer/shared/errors/app-error';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TimeSlicer } from '../../http/time-slicer.ts';
import { readLines, type InputLine } from './ndjson-lines.ts';

const slicer = new TimeSlicer().of('t');

const bytes = (text: string) => new TextEncoder().encode(text);

async function linesOf(chunks: readonly Uint8Array[], maxLineBytes = 1000): Promise<InputLine[]> {
  async function* source() {
    yield* chunks;
  }
  const lines: InputLine[] = [];
  for await (const some of readLines(source(), maxLineBytes, slicer)) lines.push(...some);
  return lines;
}

/** The same bytes, cut at other places. */
function cutAt(whole: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...new Set(places.map((place) => place % (whole.length + 1)))].toSorted((a, b) => a - b);
  return [...ends, whole.length].map((end, n) => whole.slice(n === 0 ? 0 : ends[n - 1], end));
}

describe('lines', () => {
  test('are numbered from 1, blank ones included, and end with the input', async () => {
    expect(await linesOf([bytes('one\n\n  \r\ntwo\r\nthree')])).toEqual([
      { number: 1, text: 'one' },
      { number: 4, text: 'two\r' },
      { number: 5, text: 'three' },
    ]);
    expect(await linesOf([])).toEqual([]);
    expect(await linesOf([bytes('\n\n')])).toEqual([]);
  });

  test('come as soon as the chunk that completes them', async () => {
    const seen: number[] = [];
    async function* source() {
      yield bytes('a\nb\nc');
      expect(seen).toEqual([1, 2]);
      yield bytes('\n');
      expect(seen).toEqual([1, 2, 3]);
    }
    for await (const lines of readLines(source(), 100, slicer)) seen.push(...lines.map((line) => line.number));
  });

  test('are the same wherever the chunks are cut, also within a character', async () => {
    const text = fc.array(
      fc.string({ unit: 'binary', maxLength: 12 }).map((line) => line.replaceAll('\n', '')),
      {
        maxLength: 8,
      },
    );
    await fc.assert(
      fc.asyncProperty(text, fc.array(fc.nat(), { maxLength: 20 }), async (lines, places) => {
        const wellFormed = lines.map((line) => line.toWellFormed());
        const expected = wellFormed
          .map((line, n) => ({ number: n + 1, text: line }))
          .filter((line) => line.text.trim() !== '');
        expect(await linesOf(cutAt(bytes(wellFormed.join('\n')), places))).toEqual(expected);
      }),
      { numRuns: 40 },
    );
  });
});

describe('a line that cannot be read', () => {
  test('because it is too long is reported as such, however it is cut, and its neighbours are read', async () => {
    const whole = bytes(`short\n${'x'.repeat(30)}\nlast`);
    for (const places of [[], [8, 12, 20, 33], [35], [36], [6, 16, 17]]) {
      const lines = await linesOf(cutAt(whole, places), 10);
      expect(lines.map((line) => line.number)).toEqual([1, 2, 3]);
      expect(lines[1]?.text).toBeInstanceOf(AppError);
      expect(lines[1]?.text).toMatchObject({ code: 'payload_too_large' });
      expect([lines[0]?.text, lines[2]?.text]).toEqual(['short', 'last']);
    }
    expect((await linesOf([bytes('x'.repeat(10))], 10))[0]?.text).toBe('x'.repeat(10));
  });

  test('because it is not UTF-8 is reported as such', async () => {
    const lines = await linesOf([Uint8Array.of(0x61, 0x0a, 0xff, 0x0a), bytes('b')]);
    expect(lines.map((line) => (line.text instanceof AppError ? line.text.code : line.text))).toEqual([
      'a',
      'malformed_json',
      'b',
    ]);
  });
});
