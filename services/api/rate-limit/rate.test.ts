import { expect, test } from 'vitest';
import { rateSchema } from './rate.ts';

test.each([
  ['200/minute', { requests: 200, windowSeconds: 60 }],
  ['1/second', { requests: 1, windowSeconds: 1 }],
  ['5/hour', { requests: 5, windowSeconds: 3600 }],
  ['9/day', { requests: 9, windowSeconds: 86_400 }],
  ['off', 'off'],
])('%s', (text, rate) => {
  expect(rateSchema.parse(text)).toEqual(rate);
});

test.each(['0/minute', '10', '10/week', '-1/second', '1.5/second', 'minute', '10/minutes', ''])(
  '%j is no rate',
  (text) => {
    expect(rateSchema.safeParse(text).success).toBe(false);
  },
);
