import { describe, expect, test } from 'vitest';
import { createDateReader, localesOf, matchesDate } from './date-terms.ts';

const read = createDateReader([]);
const named = (text: string) => read(text).map(({ part, value }) => `${part} ${value}`);

describe('the dates in a query', () => {
  test.each([
    ['What did we plan in May 2023?', ['year 2023', 'month 5']],
    ['Who called on 7 July, 2022?', ['year 2022', 'month 7', 'day 7']],
    ['who called on july 7th', ['month 7', 'day 7']],
    ['Wer kam im August?', ['month 8']],
    ['What happened in 1999?', ['year 1999']],
    ['May I bring 3 friends?', []],
    ['what may she want', []],
    ['Which 3 of the 12 plans?', []],
    ['room 4711', []],
    ['', []],
  ])('%j', (text, expected) => {
    expect(named(text).toSorted()).toEqual([...expected].toSorted());
  });

  test('months in other languages, when they are asked for', () => {
    expect(named('Was war im Oktober?')).toEqual([]);
    const german = createDateReader(['de']);
    expect(german('Was war im Oktober?')).toMatchObject([{ part: 'month', value: 10 }]);
    expect(german('Was war am 3. März 2024?').map(({ value }) => value)).toEqual([2024, 3, 3]);
  });

  test('the locale follows from the language of the words', () => {
    expect(localesOf('german')).toEqual(['de']);
    expect(localesOf('simple')).toEqual([]);
  });

  test('the rarer part counts more', () => {
    const [year, month, day] = read('on 7 July 2022');
    expect(day?.weight).toBeGreaterThan(month?.weight ?? 0);
    expect(month?.weight).toBeGreaterThan(year?.weight ?? 0);
  });
});

test('a message matches by its date in UTC', () => {
  const createdAt = new Date('2023-05-31T23:30:00Z');
  const matching = (text: string) => read(text).map((term) => matchesDate(term, createdAt));
  expect(matching('on 31 May 2023')).toEqual([true, true, true]);
  expect(matching('on 1 June 2023')).toEqual([true, false, false]);
});

test('of a calendar no more dates are read than candidates are compared with', () => {
  const years = Array.from({ length: 100 }, (_, n) => 1970 + n).join(' ');
  expect(named(`${years} and May 1 2 3`)).toHaveLength(16);
});
