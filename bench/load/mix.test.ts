import { describe, expect, test } from 'vitest';
import { createMessages } from '../harness/messages.ts';
import { createRequests, parseMix, sequence } from './mix.ts';
import { createRandom } from '../harness/random.ts';

describe('mix', () => {
  test('gives every kind its share, in an order that does not change', () => {
    const mix = parseMix('single=70,batch=5,search=25');
    const kinds = sequence(mix, 200, createRandom(1));
    const count = (kind: string): number => kinds.filter((one) => one === kind).length;
    expect([count('single'), count('batch'), count('search')]).toEqual([140, 10, 50]);
    expect(kinds).toEqual(sequence(mix, 200, createRandom(1)));
    expect(new Set(kinds.slice(0, 20)).size).toBeGreaterThan(1);
  });

  test('leaves out no kind, however rare', () => {
    expect(sequence(parseMix('single=999,search=1'), 10, createRandom(1))).toContain('search');
  });

  test('refuses what it does not know', () => {
    expect(() => parseMix('single=70,delete=5')).toThrow('no kind delete');
    expect(() => parseMix('single=0')).toThrow('above 0');
  });

  test('sends no content twice', () => {
    const make = createRequests(createMessages(8), 100, 5000);
    const bodies = Array.from({ length: 20 }, () => make('batch').body);
    const contents = [...bodies.join('').matchAll(/"content":"(?<content>[^"]+)"/g)].map((match) => match[1]);
    expect(contents).toHaveLength(2000);
    expect(new Set(contents).size).toBe(2000);
  });
});
