import { ar, de, en, es, fi, fr, id, it, nl, pt, ru, sv, type Chrono, type ParsedResult } from 'chrono-node';
import { readPeriods, unitAround, type CalendarUnit, type WallInterval } from './calendar.ts';
import { createZoneClock, type WallTime } from './time-zone.ts';

/** A time that a query names: from an instant, inclusive, to another, exclusive. */
export interface NamedTime {
  readonly from: Date;
  readonly to: Date;
  /** How the query names it. */
  readonly text: string;
}

export interface TimeReference {
  /** What `yesterday` is the day before. */
  readonly now: Date;
  /** Of the IANA database: where days begin and end. */
  readonly timeZone: string;
}

/** Times are looked for in so many characters of a query, since the expressions that find them take time on others. */
export const timeWordCharacters = 300;

const parsers = new Map<string, Chrono>(
  Object.entries({ ar, de, es, fi, fr, id, it, nl, pt, ru, sv }).map(([locale, { casual }]) => [locale, casual]),
);

const minuteMs = 60_000;
const dayMs = 86_400_000;
// Beyond them a date is a slip, and Date.UTC reads years below 100 as of the last century.
const years = { first: 1900, last: 2200 };

/**
 * Finds the first time that queries name, as `last week`, `on Monday`, `2024-05-17`, `in spring`. What is read is
 * English, and the languages of `locales` (BCP 47) as far as chrono knows them.
 */
export function createTimeReader(locales: readonly string[]) {
  const readers = [en.casual, ...locales.flatMap((locale) => parsers.get(locale) ?? [])];

  return (query: string, { now, timeZone }: TimeReference): NamedTime | undefined => {
    const text = query.slice(0, timeWordCharacters);
    const clock = createZoneClock(timeZone);
    const wallNow = clock.toWall(now);
    const reference = { instant: now, timezone: Math.round(clock.offsetAt(now.getTime()) / minuteMs) };
    const own = readPeriods(text, wallNow);
    // A season and a date with dots are read once.
    const rest = own.reduce((left, { index, length }) => blank(left, index, length), joinRanges(text));
    const parsed = readers.flatMap((reader) => reader.parse(rest, reference));
    const found = [...own, ...parsed.flatMap((result) => toPeriod(result, text, wallNow))].flatMap((period) => {
      const interval = openEnded(period, text.slice(0, period.index), wallNow);
      return interval === undefined || !isPlausible(interval) ? [] : [{ ...period, ...interval }];
    });
    const [first] = found.toSorted((a, b) => a.index - b.index || b.length - a.length);
    if (first === undefined) return undefined;
    const { from, to, index, length } = first;
    return { from: clock.toInstant(from), to: clock.toInstant(to), text: text.slice(index, index + length).trim() };
  };
}

export type TimeReader = ReturnType<typeof createTimeReader>;

function blank(text: string, index: number, length: number): string {
  return text.slice(0, index) + ' '.repeat(length) + text.slice(index + length);
}

/** `between A and B` and `from A to B` as `A to B`, each character where it was. */
function joinRanges(text: string): string {
  return text
    .replaceAll(/\bbetween\b(.{1,40}?)\band\b/giu, (_, first: string) => `       ${first}to `)
    .replaceAll(/\bfrom\b/giu, '    ');
}

interface Period extends WallInterval {
  readonly index: number;
  readonly length: number;
}

function toPeriod(result: ParsedResult, text: string, now: WallTime): Period[] {
  const said = text.slice(result.index, result.index + result.text.length).toLowerCase();
  if (!namesTime(result, said, text)) return [];
  const place = { index: result.index, length: result.text.length };
  const start = wallOf(result.start);
  const unit = unitOf(result.start, said);
  const { end } = result;
  if (end) {
    const { to } = unitAround(wallOf(end), unitOf(end, said));
    return [{ ...place, from: unitAround(start, unit).from, to }];
  }
  if (/^this week\b/u.test(said)) return [{ ...place, ...unitAround(now, 'week') }];
  // `the last three days` end now; the last week is one of the calendar.
  if (/^(?:past|last (?:\d|few|couple|several|two|three|four|five|six|seven|eight|nine|ten|twelve))/u.test(said)) {
    return [{ ...place, from: /hour|minute/u.test(said) ? start : unitAround(start, 'day').from, to: now }];
  }
  return [{ ...place, ...unitAround(inThePast(result, start, said, now), unit) }];
}

type Components = ParsedResult['start'];

function wallOf(components: Components): WallTime {
  const get = (part: 'year' | 'month' | 'day' | 'hour' | 'minute') => components.get(part) ?? 0;
  return Date.UTC(get('year'), get('month') - 1, get('day'), get('hour'), get('minute'));
}

function unitOf(components: Components, said: string): CalendarUnit {
  if (/weekend/u.test(said)) return 'weekend';
  if (/week|woche|semaine|semana|settimana|недел/u.test(said)) return 'week';
  if (/hour|minute/u.test(said) && components.isCertain('hour')) return 'hour';
  if (components.isCertain('day') || components.isCertain('weekday')) return 'day';
  if (components.isCertain('month')) return 'month';
  return components.isCertain('year') ? 'year' : 'day';
}

const barePart = /^(?:mon|tue|tues|wed|thu|thur|thurs|fri|sat|sun|now)$/u;
const bareMonth = /^\p{L}+$/u;
const numbersWithoutYear = /^\d{1,2}[-./]\d{1,2}$/u;

/** Whether that is a time, and not a word or number that could be one: the cat sat; 1/2 a cup; for five minutes. */
function namesTime({ start, index }: ParsedResult, said: string, text: string): boolean {
  if (barePart.test(said) || numbersWithoutYear.test(said)) return false;
  if (/^(?:for|within)\b|\b(?:later|after|before)$/u.test(said)) return false;
  const isDate = (['year', 'month', 'day', 'weekday'] as const).some((part) => start.isCertain(part));
  // A time of the day alone is of every day.
  if (!isDate) return /^this\b/u.test(said);
  const isMonthAlone = start.isCertain('month') && !start.isCertain('day') && !start.isCertain('year');
  if (!isMonthAlone || !bareMonth.test(said)) return true;
  // March is a verb too, and May begins questions.
  return (
    index > 0 &&
    (/^\p{Lu}/u.test(text.slice(index)) || /\b(?:in|since|last|this|during) $/iu.test(text.slice(0, index)))
  );
}

/** A Monday and an August without a year are the last ones, since what was said was said before. */
function inThePast(result: ParsedResult, start: WallTime, said: string, now: WallTime): WallTime {
  const { start: parts } = result;
  if (start < unitAround(now, 'day').to || /\b(?:next|coming|this)\b/u.test(said)) return start;
  if (parts.isCertain('weekday') && !parts.isCertain('day')) return start - 7 * dayMs;
  if (!parts.isCertain('month') || parts.isCertain('year')) return start;
  const date = new Date(start);
  return Date.UTC(date.getUTCFullYear() - 1, date.getUTCMonth(), date.getUTCDate(), date.getUTCHours());
}

/** `since March` lasts until now. Of `before March` nothing is known but its end. */
function openEnded({ from, to }: WallInterval, before: string, now: WallTime): WallInterval | undefined {
  const word = /\b(since|after|before|until|till)\s{1,3}(?:the\s{1,3})?$/iu.exec(before.slice(-16))?.[1]?.toLowerCase();
  if (word === undefined) return { from, to };
  if (word === 'since') return { from, to: Math.max(to, now) };
  return word === 'after' && to < now ? { from: to, to: now } : undefined;
}

function isPlausible({ from, to }: WallInterval): boolean {
  return from < to && from >= Date.UTC(years.first) && to <= Date.UTC(years.last);
}
