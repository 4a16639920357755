import { z } from 'zod';

declare const brand: unique symbol;

/**
 * A moment in UTC to the microsecond, which PostgreSQL stores and a `Date` cannot: ISO 8601 with three digits of a
 * second, or six when the last three are not zero. Each moment has one text, so `===` compares moments.
 */
export type Instant = string & { readonly [brand]: true };

/** Digits of a second that are kept. */
export const maxFractionDigits = 6;

const canonicalMs = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const fraction = /\.(\d+)/;
const firstMs = Date.UTC(1970, 0, 1);
const lastMs = Date.UTC(10_000, 0, 1) - 1;

/** @param date from 1970 to 9999. */
export function instantOf(date: Date): Instant {
  return branded(date.toISOString());
}

/**
 * @param text a valid ISO 8601 date and time with an offset.
 * @returns undefined for what is not between 1970 and 9999, or has more digits of a second than are kept.
 */
export function toInstant(text: string): Instant | undefined {
  if (text.length === 24 && text >= '1970' && canonicalMs.test(text)) return branded(text);
  const digits = fraction.exec(text)?.[1] ?? '';
  if (digits.length > maxFractionDigits) return undefined;
  // A Date would round or cut the fraction, so it is parsed without it.
  const date = new Date(digits === '' ? text : text.replace(fraction, ''));
  const ms = date.getTime();
  if (!(ms >= firstMs && ms <= lastMs)) return undefined;
  return withFraction(date.toISOString().slice(0, 19), digits.padEnd(maxFractionDigits, '0'));
}

/** Since 1970; exact. */
export function microsecondsOf(instant: Instant): number {
  return Date.parse(`${instant.slice(0, 23)}Z`) * 1000 + Number(instant.slice(23, -1));
}

/** @param text as `instantColumn` selects it, always with six digits of a second. */
export function instantFromColumn(text: string): Instant {
  return withFraction(text.slice(0, 19), text.slice(20, 26));
}

/** An instant in its canonical text, as in a cursor or a recorded answer. */
export const instantTextSchema = z.iso.datetime().transform((text, context): Instant => {
  const instant = toInstant(text);
  if (instant === text) return instant;
  context.issues.push({ code: 'custom', message: 'is not the canonical text of an instant', input: text });
  return z.NEVER;
});

function withFraction(seconds: string, digits: string): Instant {
  return branded(`${seconds}.${digits.endsWith('000') ? digits.slice(0, 3) : digits}Z`);
}

// The one place where a text becomes an instant.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const branded = (text: string): Instant => text as Instant;
