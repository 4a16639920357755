import { expect, test } from 'vitest';
import { BodyMemory } from './body-memory.ts';

function setUp(limits = { perKey: 100, total: 150 }) {
  const refused: string[] = [];
  const memory = new BodyMemory(limits, { held: () => undefined, refused: (reason) => refused.push(reason) });
  return { memory, refused };
}
const keyIsFull = expect.objectContaining({ code: 'rate_limited', retryAfterSeconds: 1 });
const isFull = expect.objectContaining({ code: 'unavailable', retryAfterSeconds: 1 });

test('a key holds as much as its limit, and then is refused; another is not', () => {
  const { memory, refused } = setUp();
  const first = memory.open('a');
  first.grow(60);
  expect(() => memory.open('a').grow(41)).toThrow(keyIsFull);
  memory.open('a').grow(40);
  memory.open('b').grow(40);
  expect(refused).toEqual(['key_full']);
  first.release();
  memory.open('a').grow(60);
  expect(memory.held).toBe(140);
});

test('all together hold as much as theirs', () => {
  const { memory, refused } = setUp();
  const own = memory.open('a');
  own.grow(100);
  expect(() => memory.open('b').grow(51)).toThrow(isFull);
  expect(refused).toEqual(['full']);
  own.release();
  memory.open('b').grow(51);
});

test('a body that comes in pieces is refused where it grows too large, and keeps what it had until it is released', () => {
  const { memory } = setUp();
  memory.open('a').grow(50);
  const body = memory.open('a');
  body.grow(30);
  expect(() => body.grow(21)).toThrow(keyIsFull);
  expect(memory.held).toBe(80);
  body.release();
  body.release();
  expect(memory.held).toBe(50);
});

test('one that is larger than the limits is taken when there is no other', () => {
  const { memory } = setUp();
  const body = memory.open('a');
  body.grow(120);
  body.grow(80);
  expect(() => memory.open('b').grow(1)).toThrow(isFull);
  body.release();
  expect(memory.held).toBe(0);
});
