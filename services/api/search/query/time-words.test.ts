import { setTimeout as sleep } from 'node:timers/promises';
import { nonEmpty } from '@memory-layer/shared/testing/non-empty';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createTimeReader, timeWordCharacters } from './time-words.ts';

const read = createTimeReader([]);
// A Wednesday.
const now = new Date('2026-06-10T12:00:00Z');
const day = (date: Date) => date.toISOString().replace(/T00:00:00\.000Z$/, '');
const named = (text: string, timeZone = 'UTC', at = now) => {
  const time = read(text, { now: at, timeZone });
  return time && [day(time.from), day(time.to), time.text];
};

describe('a time that a query names', () => {
  test.each([
    ['What did I eat on 2024-05-17?', '2024-05-17', '2024-05-18', '2024-05-17'],
    ['What did I eat on 17.05.2024?', '2024-05-17', '2024-05-18', '17.05.2024'],
    ['the day comes first: 05.06.2024', '2024-06-05', '2024-06-06', '05.06.2024'],
    ['What did I eat on 5/17/2024?', '2024-05-17', '2024-05-18', '5/17/2024'],
    ['What did I eat on 17/05/2024?', '2024-05-17', '2024-05-18', '17/05/2024'],
    ['What happened at 2024-05-17T10:00:00Z?', '2024-05-17', '2024-05-18', '2024-05-17T10:00:00Z'],
    ['What was it in 2024-05?', '2024-05-01', '2024-06-01', '2024-05'],
    ['What was it in 2023?', '2023-01-01', '2024-01-01', 'in 2023'],
    ['Who called in May 2023?', '2023-05-01', '2023-06-01', 'May 2023'],
    ['Who called on 7 July, 2022?', '2022-07-07', '2022-07-08', 'on 7 July, 2022'],
    ['What did we say yesterday?', '2026-06-09', '2026-06-10', 'yesterday'],
    ['What did we say today?', '2026-06-10', '2026-06-11', 'today'],
    ['What did we say this morning?', '2026-06-10', '2026-06-11', 'this morning'],
    ['What did we say 3 days ago?', '2026-06-07', '2026-06-08', '3 days ago'],
    ['the plan of the day before yesterday', '2026-06-08', '2026-06-09', 'the day before yesterday'],
    ['What did we plan last week?', '2026-06-01', '2026-06-08', 'last week'],
    ['What did we plan this week?', '2026-06-08', '2026-06-15', 'this week'],
    ['What did we plan two weeks ago?', '2026-05-25', '2026-06-01', 'two weeks ago'],
    ['What did we do last weekend?', '2026-06-06', '2026-06-08', 'last weekend'],
    ['What did we plan three months ago?', '2026-03-01', '2026-04-01', 'three months ago'],
    ['What did we plan last month?', '2026-05-01', '2026-06-01', 'last month'],
    ['What did we plan last year?', '2025-01-01', '2026-01-01', 'last year'],
    ['What did Ana say on Monday?', '2026-06-08', '2026-06-09', 'on Monday'],
    ['What did Ana say on Friday?', '2026-06-05', '2026-06-06', 'on Friday'],
    ['What did Ana say on Wednesday?', '2026-06-10', '2026-06-11', 'on Wednesday'],
    ['Who came in August?', '2025-08-01', '2025-09-01', 'August'],
    ['Where was I in spring?', '2026-03-01', '2026-06-01', 'in spring'],
    ['Where was I last summer?', '2025-06-01', '2025-09-01', 'last summer'],
    ['Where was I in the winter?', '2025-12-01', '2026-03-01', 'in the winter'],
    ['Where was I in autumn 2024?', '2024-09-01', '2024-12-01', 'in autumn 2024'],
    ['Where was I in the summer of last year?', '2025-06-01', '2025-09-01', 'in the summer of last year'],
    ['Where was I in spring this year?', '2026-03-01', '2026-06-01', 'in spring this year'],
    ['Where will I be next week?', '2026-06-15', '2026-06-22', 'next week'],
    ['the plans of the last 3 days', '2026-06-07', '2026-06-10T12:00:00.000Z', 'last 3 days'],
    ['What changed since March?', '2026-03-01', '2026-06-10T12:00:00.000Z', 'March'],
    ['What did I say 10 minutes ago?', '2026-06-10T11:00:00.000Z', '2026-06-10T12:00:00.000Z', '10 minutes ago'],
    ['notes between 3 May and 5 June 2023', '2023-05-03', '2023-06-06', '3 May and 5 June 2023'],
    ['notes from 3 May to 5 June 2023', '2023-05-03', '2023-06-06', '3 May to 5 June 2023'],
    ['first 2024-05-17, then yesterday', '2024-05-17', '2024-05-18', '2024-05-17'],
  ])('%s', (text, from, to, said) => {
    expect(named(text)).toEqual([from, to, said]);
  });

  test.each([
    'Where does my sister live?',
    'The cat sat on the mat in the sun',
    'May I bring 3 friends?',
    'march on',
    'half of it, 1/2 a cup',
    'version 2.3.1 of 18.2.0',
    'at 5pm, for five minutes',
    'what do I do in the morning',
    'what do we do now',
    'a spring of water, a fall',
    'before March',
    '31.02.2024',
    'in 99999999 years',
    '',
  ])('is not in %j', (text) => {
    expect(named(text)).toBeUndefined();
  });

  test('in the language of the words too', () => {
    const german = createTimeReader(['de', 'nn']);
    const said = (text: string) => german(text, { now, timeZone: 'UTC' })?.from.toISOString().slice(0, 10);
    expect(said('Was war letzte Woche?')).toBe('2026-06-01');
    expect(said('Was war am Montag?')).toBe('2026-06-08');
    expect(said('Was war vor drei Monaten?')).toBe('2026-03-01');
    expect(said('What was it yesterday?')).toBe('2026-06-09');
  });
});

describe('the time zone', () => {
  test('says where days begin', () => {
    const late = new Date('2026-06-10T23:30:00Z');
    expect(named('yesterday', 'UTC', late)).toEqual(['2026-06-09', '2026-06-10', 'yesterday']);
    expect(named('yesterday', 'Europe/Berlin', late)?.slice(0, 2)).toEqual([
      '2026-06-09T22:00:00.000Z',
      '2026-06-10T22:00:00.000Z',
    ]);
    expect(named('2024-01-17', 'Asia/Kathmandu')?.slice(0, 2)).toEqual([
      '2024-01-16T18:15:00.000Z',
      '2024-01-17T18:15:00.000Z',
    ]);
  });

  test('has days of 23 and 25 hours', () => {
    const hours = (date: string) => {
      const time = read(date, { now, timeZone: 'America/New_York' });
      return ((time?.to.getTime() ?? 0) - (time?.from.getTime() ?? 0)) / 3_600_000;
    };
    expect([hours('2026-03-08'), hours('2026-03-09'), hours('2026-11-01')]).toEqual([23, 24, 25]);
  });
});

describe('whatever is written', () => {
  const words =
    'three hours and ago last week - to May 5 2024 / . 1 year month on monday , at pm in the ( half a few between';
  const more = 'from : th mid spring morning before after + yesterday day s 99999999 \u202e ſ １';
  const part = fc.constantFrom(...words.split(' '), ...more.split(' '), ' ');

  test('a time is a time, and the text says so', () => {
    const text = fc.array(part, { maxLength: 60 }).map((parts) => parts.join(' '));
    fc.assert(
      fc.property(text, (query) => {
        const time = read(query, { now, timeZone: 'Europe/Lisbon' });
        if (time === undefined) return;
        expect(time.from.getTime()).toBeLessThan(time.to.getTime());
        expect(query).toContain(time.text);
      }),
      { seed: 20_260_610, numRuns: 2000 },
    );
  });

  test('takes no longer than 50 ms, however long it is', async () => {
    const parts = [
      'three hours and ',
      'May ',
      '1 year 1 month 1 week ',
      '5/17/2024 ',
      '1.',
      '-1 ',
      'may 1 - may 2 - ',
      '9',
    ];
    const others = ['between ', 'from between ', ' ', '/ monday to ', 'morning ', 'in the spring of ', '(', '2024-05-'];
    const tooks: number[] = [];
    for (const each of nonEmpty([...parts, ...others])) {
      const query = each.repeat(20_000 / each.length);
      read(query.slice(0, timeWordCharacters), { now, timeZone: 'UTC' });
      await sleep(0);
      const started = performance.now();
      read(query, { now, timeZone: 'UTC' });
      tooks.push(performance.now() - started);
    }
    expect(Math.max(...tooks)).toBeLessThan(50);
  });

  test('is read as far as is said', () => {
    const far = (characters: number) => `${'x'.repeat(characters)} yesterday`;
    expect(named(far(timeWordCharacters - 10))).toBeDefined();
    expect(named(far(timeWordCharacters))).toBeUndefined();
  });
});
