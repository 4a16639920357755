import { describe, expect, test } from 'vitest';
import { decodePosition, encodePosition, isBefore, startOf } from './event-position.ts';

const position = (transactionId: bigint, eventId = 0n, index = 0) => ({ transactionId, eventId, index });

describe('the id of an event', () => {
  test.each(['0-0-0', '8817-412-3', '18446744073709551615-9223372036854775807-999999999'])('%s is read', (text) => {
    expect(encodePosition(decodePosition(text) ?? startOf(1n))).toBe(text);
  });

  test('is the place, part by part', () => {
    expect(encodePosition(position(8817n, 412n, 3))).toBe('8817-412-3');
    expect(decodePosition('8817-412-3')).toEqual(position(8817n, 412n, 3));
  });

  test.each([
    '',
    '1',
    '1-2',
    '1-2-3-4',
    'a-b-c',
    '-1-2-3',
    '1-2--3',
    '1-2-3 ',
    '1-2-3\n',
    '1.0-2-3',
    '18446744073709551616-0-0',
    '1-9223372036854775808-0',
    '1-2-1000000000',
    '１-２-３',
    '0192f0c1-2a3b-7c4d-8e5f-6a7b8c9d0e1f',
  ])('%j is none', (text) => {
    expect(decodePosition(text)).toBeUndefined();
  });
});

test('rows are in the order of their transactions, then of their ids, as numbers', () => {
  const ordered = [startOf(9n), position(9n, 9n), position(9n, 10n), startOf(10n), position(10n, 1n)];
  const shuffled = [4, 2, 0, 3, 1].flatMap((n) => ordered[n] ?? []);
  expect(shuffled.toSorted((one, other) => (isBefore(one, other) ? -1 : 1))).toEqual(ordered);
  expect(isBefore(position(9n, 9n, 5), position(9n, 9n, 7))).toBe(false);
});
