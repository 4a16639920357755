import { describe, expect, test } from 'vitest';
import { createRateLimiters } from './rate-limiter.ts';

const perMinute = (requests: number) => ({ requests, windowSeconds: 60 });
const none = { address: undefined, key: undefined, tenant: undefined };

async function countAllowed(rates: typeof none, own?: ReturnType<typeof perMinute>): Promise<number | 'not counted'> {
  const { key } = createRateLimiters(rates, undefined);
  const decisions = await Promise.all(Array.from({ length: 9 }, async () => key?.consume('subject', own)));
  if (decisions.every((decision) => decision === undefined)) return 'not counted';
  return decisions.filter((decision) => decision?.allowed === true).length;
}

describe('the rate of a subject', () => {
  test.each([
    ['no rate at all', none, undefined, 'not counted'],
    ['the usual one', { ...none, key: perMinute(5) }, undefined, 5],
    ['a smaller one of its own', { ...none, key: perMinute(5) }, perMinute(2), 2],
    ['a larger one of its own', { ...none, key: perMinute(5) }, perMinute(8), 8],
    ['one of its own where there is no usual one', none, perMinute(3), 3],
  ])('%s', async (_, rates, own, expected) => {
    expect(await countAllowed(rates as typeof none, own)).toBe(expected);
  });
});
