/// <reference lib="esnext.float16" />
import { encodeHalfvec } from '@memory-layer/shared/db/halfvec';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { VectorMemory } from './vector-memory.ts';

/** As the database keeps it. */
const halved = (vector: Float32Array) => Float32Array.from(new Float16Array(vector));

function cosine(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, index) => sum + value * (y[index] ?? 0), 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

// From the smallest of half precision to what a model gives.
const component = fc.oneof(fc.double({ min: -1, max: 1, noNaN: true }), fc.constantFrom(0, 6e-8, -6e-8, 1e-5, 0.5, -2));
const vectors = fc.tuple(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 2, max: 80 })).chain(([dimension, count]) =>
  fc.array(
    fc
      .array(component, { minLength: dimension, maxLength: dimension })
      .map((components) => halved(Float32Array.from(components)))
      .filter((vector) => vector.some((value) => Math.abs(value) > 0.01)),
    { minLength: count, maxLength: count },
  ),
);

describe('vectors in memory', () => {
  test('are as near as arithmetic says, of any dimension: exactly one by one, nearly all at once', () => {
    fc.assert(
      fc.property(vectors, ([query = Float32Array.of(), ...stored]) => {
        const set = new VectorMemory({ dimension: query.length, maxBytes: 1_000_000 }).createSet();
        const ids = stored.map((vector, owner) => set.add(encodeHalfvec(vector), owner) ?? -1);
        set.setQuery(query);
        const found = new Float32Array(stored.length).fill(-2);
        set.scan(found);
        stored.forEach((vector, owner) => {
          const id = ids[owner] ?? -1;
          expect(set.similarity(id)).toBeCloseTo(cosine(query, vector), 5);
          expect(set.similarityBetween(ids[0] ?? -1, id)).toBeCloseTo(cosine(stored[0] ?? query, vector), 5);
          // Off by what rounding to 8 bits moves a vector, at most.
          expect(Math.abs((found[owner] ?? 0) - cosine(query, vector))).toBeLessThan(0.02);
        });
      }),
      { numRuns: 100 },
    );
  });

  test('of a model are found by the scan within a thousandth', () => {
    const dimension = 512;
    const memory = new VectorMemory({ dimension, maxBytes: 10_000_000 });
    const set = memory.createSet();
    const made = Array.from({ length: 200 }, (_, n) =>
      halved(Float32Array.from({ length: dimension }, (_value, i) => Math.sin((n + 1) * (i + 1) * 0.37) / 16)),
    );
    made.forEach((vector, owner) => set.add(encodeHalfvec(vector), owner));
    const [query = Float32Array.of()] = made;
    set.setQuery(query);
    const found = new Float32Array(made.length).fill(-2);
    set.scan(found);
    const off = made.map((vector, owner) => Math.abs((found[owner] ?? 0) - cosine(query, vector)));
    expect(Math.max(...off)).toBeLessThan(0.001);
  });

  test('count for their owner by the nearest of them, and not at all once they are removed', () => {
    const set = new VectorMemory({ dimension: 2, maxBytes: 100_000 }).createSet();
    const far = set.add(encodeHalfvec(Float32Array.of(0, 1)), 0) ?? -1;
    const near = set.add(encodeHalfvec(Float32Array.of(1, 0)), 0) ?? -1;
    set.add(encodeHalfvec(Float32Array.of(-1, 0)), 1);
    set.setQuery(Float32Array.of(1, 0));
    const scanned = () => {
      const found = new Float32Array(3).fill(-2);
      set.scan(found);
      return [...found].map((value) => Math.round(value * 100) / 100);
    };
    expect(scanned()).toEqual([1, -1, -2]);
    set.remove(near);
    expect(scanned()).toEqual([0, -1, -2]);
    set.remove(far);
    expect(scanned()).toEqual([-2, -1, -2]);
    // The place of one that went is taken by another.
    expect([near, far]).toContain(set.add(encodeHalfvec(Float32Array.of(1, 0)), 2));
    expect(scanned()).toEqual([-2, -1, 1]);
  });

  test('are refused when there is no room, and a set that is cleared leaves its room to others', () => {
    // A block of 32 vectors of 16 components takes 1536 bytes.
    const memory = new VectorMemory({ dimension: 16, maxBytes: 2 * 1536 });
    const vector = encodeHalfvec(new Float32Array(16).fill(1));
    const [one, other] = [memory.createSet(), memory.createSet()];
    for (let n = 0; n < 32; n += 1) expect(one.add(vector, n)).toBe(n);
    expect(other.add(vector, 0)).toBe(0);
    expect(one.add(vector, 32)).toBeUndefined();
    expect(one.bytes).toBe(1536);
    other.clear();
    expect(one.add(vector, 32)).toBe(32);
  });
});
