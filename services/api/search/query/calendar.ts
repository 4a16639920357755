import type { WallTime } from './time-zone.ts';

/** From a moment, inclusive, to a moment, exclusive. */
export interface WallInterval {
  readonly from: WallTime;
  readonly to: WallTime;
}

export type CalendarUnit = 'hour' | 'day' | 'weekend' | 'week' | 'month' | 'year';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** The hour, day, week (from Monday), month or year of a moment; or the weekend of its week. */
export function unitAround(wall: WallTime, unit: CalendarUnit): WallInterval {
  const date = new Date(wall);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  const day = Date.UTC(year, month, date.getUTCDate());
  const sinceMonday = (date.getUTCDay() + 6) % 7;
  const monday = day - sinceMonday * dayMs;
  switch (unit) {
    case 'hour': {
      const from = Math.floor(wall / hourMs) * hourMs;
      return { from, to: from + hourMs };
    }
    case 'day':
      return { from: day, to: day + dayMs };
    case 'weekend':
      return { from: monday + 5 * dayMs, to: monday + 7 * dayMs };
    case 'week':
      return { from: monday, to: monday + 7 * dayMs };
    case 'month':
      return { from: Date.UTC(year, month), to: Date.UTC(year, month + 1) };
    case 'year':
      return { from: Date.UTC(year, 0), to: Date.UTC(year + 1, 0) };
  }
}

// First months of the meteorological seasons of the northern hemisphere, from 0.
const seasonStarts = new Map([
  ['spring', 2],
  ['summer', 5],
  ['autumn', 8],
  ['fall', 8],
  ['winter', 11],
]);

/** Three months from March, June, September or December of that year. */
function seasonOf(year: number, startMonth: number): WallInterval {
  return { from: Date.UTC(year, startMonth), to: Date.UTC(year, startMonth + 3) };
}

export interface FoundPeriod extends WallInterval {
  /** Where it stands in the text. */
  readonly index: number;
  readonly length: number;
}

// Each repetition is bounded.
const season =
  /\b(?:(?<which>in|last|this|past|during|since|of|over)\s{1,3}(?:the\s{1,3})?)?(?<name>spring|summer|autumn|fall|winter)(?:\s{1,3}(?:of\s{1,3})?(?:(?<year>(?:19|20)\d\d)|(?<ofYear>last|this)\s{1,3}year))?\b/giu;
const year = /\b(?:in|during|since|of)\s{1,3}(?<year>(?:19|20)\d\d)\b(?![-./]\d)/giu;
const isoMonth = /(?<![\d./-])(?<year>(?:19|20)\d\d)-(?<month>0[1-9]|1[0-2])(?![\d-])/gu;
const dotted = /(?<![\d.])(?<day>0?[1-9]|[12]\d|3[01])\.(?<month>0?[1-9]|1[0-2])\.(?<year>(?:19|20)\d\d)(?![\d.]\d)/gu;

/** Reads what chrono does not read, or reads in another way: seasons, years, 2024-05, and 5.6.2024 as a day in June. */
export function readPeriods(text: string, now: WallTime): FoundPeriod[] {
  const found: FoundPeriod[] = [];
  const add = ({ 0: { length }, index }: RegExpExecArray, interval: WallInterval) =>
    found.push({ ...interval, index, length });
  for (const match of text.matchAll(season)) {
    const interval = namedSeason(match, now);
    if (interval !== undefined) add(match, interval);
  }
  for (const match of text.matchAll(year)) add(match, unitAround(Date.UTC(Number(match.groups?.['year'])), 'year'));
  for (const match of text.matchAll(isoMonth)) {
    const { year: ofYear, month } = match.groups ?? {};
    add(match, unitAround(Date.UTC(Number(ofYear), Number(month) - 1), 'month'));
  }
  for (const match of text.matchAll(dotted)) {
    const { year: ofYear, month, day } = match.groups ?? {};
    const date = Date.UTC(Number(ofYear), Number(month) - 1, Number(day));
    if (new Date(date).getUTCDate() === Number(day)) add(match, unitAround(date, 'day'));
  }
  return found.toSorted((a, b) => a.index - b.index);
}

/** A season needs a year, or a word such as `in` before it: a spring of water is none. */
function namedSeason({ groups = {} }: RegExpExecArray, now: WallTime): WallInterval | undefined {
  const { which, name = '', year: named, ofYear } = groups;
  const startMonth = seasonStarts.get(name.toLowerCase()) ?? 0;
  if (named !== undefined) return seasonOf(Number(named), startMonth);
  const thisYear = new Date(now).getUTCFullYear();
  if (ofYear !== undefined) return seasonOf(thisYear - Number(ofYear.toLowerCase() === 'last'), startMonth);
  if (which === undefined) return undefined;
  if (which.toLowerCase() === 'this' && startMonth < 11) return seasonOf(thisYear, startMonth);
  const isOver = /^(?:last|past)$/iu.test(which);
  const years = [thisYear, thisYear - 1, thisYear - 2].map((each) => seasonOf(each, startMonth));
  return years.find(({ from, to }) => (isOver ? to : from) <= now);
}
