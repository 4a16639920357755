import { TZDate } from '@date-fns/tz';

const isoPattern =
  /^(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s?(Z|[+-]\d{2}:?\d{2}| UTC)?$/i;
const epochPattern = /^\d{1,17}(?:\.\d{1,9})?$/;
const dayPattern = /^(\d{4})-(\d{2})-(\d{2})$/;

/** A date and time on the clock of some zone. */
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
 * The instant that a time in an export means, in ISO 8601. An epoch is in seconds, milliseconds or microseconds,
 * by its size; a date and time may have an offset.
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
  if (offset === undefined) return fromLocal(local, timezone, fraction);
  const [wall, ahead] = [wallTime(local), offsetMs(offset)];
  return wall === undefined || ahead === undefined ? undefined : withFraction(wall - ahead, fraction);
}

/** @param fraction digits of the second. @returns undefined for a day or an hour that does not exist. */
export function fromLocal(local: LocalTime, timezone: string, fraction = ''): string | undefined {
  const wall = wallTime(local);
  if (wall === undefined || timezone === 'UTC') return wall === undefined ? undefined : withFraction(wall, fraction);
  const { year, month, day, hour, minute, second } = local;
  return withFraction(new TZDate(year, month - 1, day, hour, minute, second, timezone).getTime(), fraction);
}

/** In milliseconds, as if the clock showed UTC. */
function wallTime({ year, month, day, hour, minute, second }: LocalTime): number | undefined {
  const date = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  const isReal =
    date.getUTCMonth() === month - 1 && date.getUTCDate() === day && hour < 24 && minute < 60 && second < 60;
  return isReal ? date.getTime() : undefined;
}

function offsetMs(offset: string): number | undefined {
  const [, sign, hours, minutes] = /^([+-])(\d{2}):?(\d{2})$/.exec(offset) ?? [];
  if (sign === undefined) return 0;
  const isReal = Number(hours) < 24 && Number(minutes) < 60;
  return isReal ? Number(`${sign}1`) * (Number(hours) * 60 + Number(minutes)) * 60_000 : undefined;
}

// 1e11 seconds is in 5138 and 1e14 milliseconds is too: a larger number is in the next smaller unit.
const [firstMilliseconds, firstMicroseconds] = [1e11, 1e14];

function fromEpoch(text: string): string | undefined {
  const [whole = '', fraction = ''] = text.split('.');
  const size = Number(whole);
  if (size >= firstMicroseconds) return withFraction(Math.trunc(size / 1e6) * 1000, whole.slice(-6));
  if (size >= firstMilliseconds) return withFraction(Math.trunc(size / 1000) * 1000, `${whole.slice(-3)}${fraction}`);
  return withFraction(size * 1000, fraction);
}

/** @param ms of a whole second. @param fraction its digits; six of them are kept. */
function withFraction(ms: number, fraction: string): string | undefined {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return undefined;
  const digits = fraction.slice(0, 6).padEnd(6, '0');
  const kept = digits.endsWith('000') ? digits.slice(0, 3) : digits;
  return date.toISOString().replace(/\.\d{3}Z$/, `.${kept}Z`);
}
