import { ar, de, en, es, fi, fr, id, it, nl, pt, ru, sv, type Chrono, type ParsedResult } from 'chrono-node';
import { readPeriods, unitAround, type CalendarUnit, type WallInterval } from './calendar.ts';
import { createZoneClock, type WallTime } from './time-zone.ts';

/** A time that a query names: from an instant, inclusive, to an instant, exclusive. */
export interface NamedTime {
  readonly from: Date;
  readonly to: Date;
  /** The words of the query that name it. */
  readonly text: string;
}

export interface TimeReference {
  /** The moment from which `yesterday` and `last week` count. */
  readonly now: Date;
  /** IANA name of the zone in which days begin and end. */
  readonly timeZone: string;
}

/** Characters of a query in which times are searched. The expressions of chrono are too slow for long texts. */
export const timeWordCharacters = 300;

const parsers = new Map<string, Chrono>(
  Object.entries({ ar, de, es, fi, fr, id, it, nl, pt, ru, sv }).map(([locale, { casual }]) => [locale, casual]),
);

const minuteMs = 60_000;
const dayMs = 86_400_000;
// A date outside of them is a mistake, and Date.UTC takes years below 100 as of the last century.
const years = { first: 1900, last: 2200 };

/**
 * Finds the first time that a query names, such as `last week`, `on Monday`, `2024-05-17`, `in spring`. It reads English
 * and those languages of `locales` (BCP 47) that chrono knows.
 */
export function createTimeReader(locales: readonly string[]) {
  const readers = [en.casual, ...locales.flatMap((locale) => parsers.get(locale) ?? [])];

  return (query: string, { now, timeZone }: TimeReference): NamedTime | undefined => {
    const text = query.slice(0, timeWordCharacters);
    const clock = createZoneClock(timeZone);
    const wallNow = clock.toWall(now);
    const reference = { instant: now, timezone: Math.round(clock.offsetAt(now.getTime()) / minuteMs) };
    const own = readPeriods(text, wallNow);
    // chrono does not read again what was read here.
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

/** Writes `between A and B` and `from A to B` as `A to B`, which chrono reads, without moving a character. */
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
  // `the last three days` ends now; `last week` is a week of the calendar.
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

/** Whether chrono has found a time of the past or future, and not `sat`, `1/2` or `for five minutes`. */
function namesTime({ start, index }: ParsedResult, said: string, text: string): boolean {
  if (barePart.test(said) || numbersWithoutYear.test(said)) return false;
  if (/^(?:for|within)\b|\b(?:later|after|before)$/u.test(said)) return false;
  const isDate = (['year', 'month', 'day', 'weekday'] as const).some((part) => start.isCertain(part));
  // A time of day without a date occurs every day.
  if (!isDate) return /^this\b/u.test(said);
  const isMonthAlone = start.isCertain('month') && !start.isCertain('day') && !start.isCertain('year');
  if (!isMonthAlone || !bareMonth.test(said)) return true;
  // March is a verb too, and May begins questions.
  return (
    index > 0 &&
    (/^\p{Lu}/u.test(text.slice(index)) || /\b(?:in|since|last|this|during) $/iu.test(text.slice(0, index)))
  );
}

/** A Monday, or an August without a year, is the last one, since messages are of the past. */
function inThePast(result: ParsedResult, start: WallTime, said: string, now: WallTime): WallTime {
  const { start: parts } = result;
  if (start < unitAround(now, 'day').to || /\b(?:next|coming|this)\b/u.test(said)) return start;
  if (parts.isCertain('weekday') && !parts.isCertain('day')) return start - 7 * dayMs;
  if (!parts.isCertain('month') || parts.isCertain('year')) return start;
  const date = new Date(start);
  return Date.UTC(date.getUTCFullYear() - 1, date.getUTCMonth(), date.getUTCDate(), date.getUTCHours());
}

/** `since March` and `after March` last until now. `before March` has no beginning, and is not read. */
function openEnded({ from, to }: WallInterval, before: string, now: WallTime): WallInterval | undefined {
  const word = /\b(since|after|before|until|till)\s{1,3}(?:the\s{1,3})?$/iu.exec(before.slice(-16))?.[1]?.toLowerCase();
  if (word === undefined) return { from, to };
  if (word === 'since') return { from, to: Math.max(to, now) };
  return word === 'after' && to < now ? { from: to, to: now } : undefined;
}

function isPlausible({ from, to }: WallInterval): boolean {
  return from < to && from >= Date.UTC(years.first) && to <= Date.UTC(years.last);
}
