import fc from 'fast-check';
import { expect, test } from 'vitest';
import { packRows, packVectors, unpackRows, unpackVectors } from './packed-rows.ts';

test('gives back what was packed, empty rows included', () => {
  const rowArbitrary = fc.array(fc.integer({ min: -5, max: 30_000 }), { maxLength: 9 });
  fc.assert(
    fc.property(fc.array(rowArbitrary, { maxLength: 20 }), (rows) => {
      expect(unpackRows(packRows(rows.map((row) => Int32Array.from(row)))).map((row) => [...row])).toEqual(rows);
    }),
  );
});

test('packs vectors as they are, what is not a number included', () => {
  const vectors = [Float32Array.of(0.5, Number.NaN), Float32Array.of(-1, Infinity)];
  expect(unpackVectors(packVectors(vectors))).toEqual(vectors);
});
