import type { DateOrder } from './format.ts';
import { fromLocal } from './times.ts';

/** The date of a message, and the rest of its line. */
export interface Header {
  /** The numbers of the date, from left to right. */
  readonly numbers: readonly [string, string, string];
  readonly separator: string;
  readonly half: 'am' | 'pm' | undefined;
  /** The speaker and the text. */
  readonly rest: string;
  readonly timeIn: (order: DateOrder, timezone: string) => string | undefined;
}

const blanks = '[\\s\\u202f\\u00a0]{0,3}';
const marks = '[\\u200e\\u200f\\u202a-\\u202e\\ufeff]{0,4}';
const halfDay = '(a\\.?\\s?m\\.?|p\\.?\\s?m\\.?|上午|下午|午前|午後|오전|오후|ص|م)';
const date = '(\\d{1,4})([./\\-]|년 )\\s?(\\d{1,2})(?:[./\\-]|월 )\\s?(\\d{1,4})[.일]?';
const time = `(\\d{1,2})[:.](\\d{2})(?:[:.](\\d{2}))?`;
const between = `(?:,|،)?${blanks}(?:klo |kl\\. |um |às |à |at )?`;
/** `[date, time] ` (iOS), `date, time - ` (Android), `date time, ` (Korean). */
const pattern = new RegExp(
  `^${marks}(\\[)?${date}${between}(?:${halfDay}${blanks})?${time}(?:${blanks}${halfDay})?(?:\\]${blanks}|${blanks}[-–]${blanks}|,${blanks})`,
  'iu',
);

const morning = new Set(['am', '上午', '午前', '오전', 'ص']);

export function readHeader(line: string): Header | undefined {
  const start = withAsciiDigits(line.slice(0, 80));
  const match = pattern.exec(start);
  if (match === null) return undefined;
  const [whole, , first = '', separator = '', second = '', third = '', before, hour = '', minute = '', second2, after] =
    match;
  const half = halfOf(before ?? after);
  return {
    numbers: [first, second, third],
    separator,
    half,
    rest: line.slice(whole.length),
    timeIn(order, timezone) {
      const day = inOrder([first, second, third], order);
      const clock = { hour: hourOf(Number(hour), half), minute: Number(minute), second: Number(second2 ?? 0) };
      return day === undefined ? undefined : fromLocal({ ...day, ...clock }, timezone);
    },
  };
}

// Both kinds of Arabic digits.
function withAsciiDigits(text: string): string {
  return text.replaceAll(/[\u0660-\u0669\u06f0-\u06f9]/g, (digit) => String(digit.charCodeAt(0) & 0xf));
}

function halfOf(text: string | undefined): Header['half'] {
  if (text === undefined) return undefined;
  return morning.has(text.toLowerCase().replaceAll(/[.\s]/g, '')) ? 'am' : 'pm';
}

function hourOf(hour: number, half: Header['half']): number {
  if (half === undefined || hour > 12) return hour;
  return (hour % 12) + (half === 'pm' ? 12 : 0);
}

function inOrder(numbers: Header['numbers'], order: DateOrder) {
  const [a, b, c] = numbers.map(Number);
  if (a === undefined || b === undefined || c === undefined) return undefined;
  if (order === 'ymd' || numbers[0].length === 4) return { year: fullYear(a), month: b, day: c };
  return order === 'dmy' ? { year: fullYear(c), month: b, day: a } : { year: fullYear(c), month: a, day: b };
}

function fullYear(year: number): number {
  return year < 100 ? 2000 + year : year;
}

/**
 * The order of day and month in the first dates: an order is ruled out by a number above 12, or when its days do not
 * ascend. Otherwise the separator, leading zeros and AM or PM tell American dates from others.
 */
export function findDateOrder(sample: string): DateOrder {
  const headers = sample.split('\n').flatMap((line) => readHeader(line) ?? []);
  const [first] = headers;
  if (first === undefined || first.numbers[0].length === 4) return first === undefined ? 'dmy' : 'ymd';
  const fits = (['dmy', 'mdy'] as const).filter((order) =>
    ascend(headers.map((header) => header.timeIn(order, 'UTC'))),
  );
  const [only, other] = fits;
  if (only !== undefined && other === undefined) return only;
  if (first.separator !== '/') return 'dmy';
  const isPadded = headers.some(({ numbers }) => numbers[0].startsWith('0') || numbers[1].startsWith('0'));
  return !isPadded && first.half !== undefined ? 'mdy' : 'dmy';
}

function ascend(times: readonly (string | undefined)[]): boolean {
  return times.every((instant, n) => instant !== undefined && (n === 0 || instant >= (times[n - 1] ?? '')));
}
