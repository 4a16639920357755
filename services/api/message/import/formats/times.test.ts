import { expect, test } from 'vitest';
import { isTimezone, toInstant } from './times.ts';

test.each<[unknown, string, string | undefined]>([
  [1_715_939_221, 'UTC', '2024-05-17T09:47:01.000Z'],
  [1_715_939_221.123456, 'UTC', '2024-05-17T09:47:01.123456Z'],
  [1_715_939_221_123, 'UTC', '2024-05-17T09:47:01.123Z'],
  [1_715_939_221_123_456, 'UTC', '2024-05-17T09:47:01.123456Z'],
  ['1715939221.000200', 'UTC', '2024-05-17T09:47:01.000200Z'],
  ['2024-05-17T09:47:01Z', 'Asia/Tokyo', '2024-05-17T09:47:01.000Z'],
  ['2024-05-17T09:47:01.123456+02:00', 'UTC', '2024-05-17T07:47:01.123456Z'],
  ['2024-05-17 09:47:01 UTC', 'Asia/Tokyo', '2024-05-17T09:47:01.000Z'],
  ['2024-05-17T09:47:01-0700', 'UTC', '2024-05-17T16:47:01.000Z'],
  ['2024-05-17T09:47', 'Asia/Tokyo', '2024-05-17T00:47:00.000Z'],
  ['2024-05-17 09:47:01', 'UTC', '2024-05-17T09:47:01.000Z'],
  ['2024-01-17 09:47:01', 'Europe/Berlin', '2024-01-17T08:47:01.000Z'],
  ['2024-07-17 09:47:01', 'Europe/Berlin', '2024-07-17T07:47:01.000Z'],
  ['2024-05-17', 'America/New_York', '2024-05-17T04:00:00.000Z'],
  ['2024-02-30T09:47:01', 'UTC', undefined],
  ['yesterday', 'UTC', undefined],
  [-5, 'UTC', undefined],
  [Number.NaN, 'UTC', undefined],
  [{}, 'UTC', undefined],
])('%j in %s is %s', (value, timezone, instant) => {
  expect(toInstant(value, timezone)).toBe(instant);
});

test('time zones are known by their names', () => {
  expect(['UTC', 'Europe/Berlin', 'Mars/Base', ''].map(isTimezone)).toEqual([true, true, false, false]);
});
