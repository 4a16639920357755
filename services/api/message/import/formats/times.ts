import { TZDate } from '@date-fns/tz';

const isoPattern =
  /^(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s?(Z|[+-]\d{2}:?\d{2}| UTC)?$/i;
const epochPattern = /^\d{1,17}(?:\.\d{1,9})?$/;
const dayPattern = /^(\d{4})-(\d{2})-(\d{2})$/;

/** A date and time on a clock of some place. */
export interface LocalTime {
  readonly year: number;
  /** From 1. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

/**
 * The instant that a time of some export means, in ISO 8601: seconds, milliseconds or microseconds since 1970, by their
 * size, or a date and time with or without an offset.
 *
 * @param timezone of times without an offset.
 * @returns undefined when it is none of these.
 */
export function toInstant(value: unknown, timezone: string): string | undefined {
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? fromEpoch(value.toFixed(6)) : undefined;
  if (typeof value !== 'string' || value.length > 64) return undefined;
  if (epochPattern.test(value)) return fromEpoch(value);
  const day = dayPattern.exec(value);
  const [, year, month, date, hour, minute, second = '0', fraction = '', offset] =
    isoPattern.exec(value) ?? (day === null ? [] : [...day, '0', '0']);
  if (year === undefined) return undefined;
  const local = {
    year: Number(year),
    month: Number(month),
    day: Number(date),
    hour: Number(hour),
    minute: Number(minute),
    second: Number(second),
  };
  return fromLocal(local, offset === undefined ? timezone : offsetName(offset), fraction);
}

/** @param fraction digits of the second. @returns undefined for a day or an hour that there is not. */
export function fromLocal(local: LocalTime, timezone: string, fraction = ''): string | undefined {
  const { year, month, day, hour, minute, second } = local;
  const asUtc = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  const isReal =
    asUtc.getUTCMonth() === month - 1 && asUtc.getUTCDate() === day && hour < 24 && minute < 60 && second < 60;
  if (!isReal) return undefined;
  const zoned = timezone === 'UTC' ? asUtc : new TZDate(year, month - 1, day, hour, minute, second, timezone);
  return withFraction(zoned.getTime(), fraction);
}

/** Whether it names a time zone that is known here. */
export function isTimezone(name: string): boolean {
  try {
    return Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

function offsetName(offset: string): string {
  const text = offset.trim().toUpperCase();
  if (text === 'Z' || text === 'UTC') return 'UTC';
  return text.includes(':') ? text : `${text.slice(0, 3)}:${text.slice(3)}`;
}

// Later than 5138 in seconds, than 1973 in milliseconds: what is larger is of the next unit.
const [firstMilliseconds, firstMicroseconds] = [1e11, 1e14];

function fromEpoch(text: string): string | undefined {
  const [whole = '', fraction = ''] = text.split('.');
  const size = Number(whole);
  if (size >= firstMicroseconds) return withFraction(Math.trunc(size / 1e6) * 1000, whole.slice(-6));
  if (size >= firstMilliseconds) return withFraction(Math.trunc(size / 1000) * 1000, `${whole.slice(-3)}${fraction}`);
  return withFraction(size * 1000, fraction);
}

/** @param ms of a whole second. @param fraction of that second: microseconds are kept. */
function withFraction(ms: number, fraction: string): string | undefined {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return undefined;
  const digits = fraction.slice(0, 6).padEnd(6, '0');
  const kept = digits.endsWith('000') ? digits.slice(0, 3) : digits;
  return date.toISOString().replace(/\.\d{3}Z$/, `.${kept}Z`);
}
