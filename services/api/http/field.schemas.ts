import { z } from '@hono/zod-openapi';
import { roles } from '@memory-layer/shared/db/schema';
import { idRule, isCallerId, maxIdCharacters } from '@memory-layer/shared/tenant/caller-id';
import { maxFractionDigits, toInstant, type Instant } from '@memory-layer/shared/time/instant';
import { hasAtMostJsonBytes } from '../cost/json-size.ts';

const callerIdSchema = z.string().refine(isCallerId, idRule).openapi({
  minLength: 1,
  maxLength: maxIdCharacters,
  description: 'Yours: printable characters, without whitespace at the ends. Compared as it is sent.',
});

export const tenantIdSchema = callerIdSchema.openapi({ example: 'acme' });

export const conversationIdSchema = callerIdSchema.openapi({ example: 'chat-42' });

export const roleSchema = z.enum(roles).openapi({ example: 'user' });

export const messageIdSchema = z.uuid('must be a UUID').openapi({ example: '0192f0c1-2a3b-7c4d-8e5f-6a7b8c9d0e1f' });

const tooManyDigits = new RegExp(`\\.\\d{${maxFractionDigits + 1}}`);

/** An instant, ISO 8601 with an offset, kept to the microsecond. */
export const instantSchema = z.iso
  .datetime({ offset: true, error: 'must be an ISO 8601 date and time with an offset, like 2026-01-31T12:00:00Z' })
  .transform((text, context): Instant => {
    const isTooPrecise = tooManyDigits.test(text);
    const instant = isTooPrecise ? undefined : toInstant(text);
    if (instant !== undefined) return instant;
    const message = isTooPrecise
      ? `must have at most ${maxFractionDigits} digits of a second`
      : 'must be between 1970 and 9999';
    context.issues.push({ code: 'custom', message, input: text });
    return z.NEVER;
  })
  .openapi({
    type: 'string',
    format: 'date-time',
    description: 'Kept to the microsecond: at most 6 digits of a second.',
    example: '2026-01-31T12:00:00.000Z',
  });

const maxTimeZoneCharacters = 64;

/**
 * The canonical name of a zone or link of the IANA time zone database; undefined for any other text. Libraries keep a
 * formatter for each name that they see, and a name has thousands of spellings in upper and lower case.
 */
export function timeZoneName(text: string): string | undefined {
  // Intl takes offsets too, which do not change in summer.
  if (text.length > maxTimeZoneCharacters || !/^[A-Za-z]/.test(text)) return undefined;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone;
  } catch {
    return undefined;
  }
}

export const timeZoneSchema = z
  .string()
  .transform((text, context): string => {
    const name = timeZoneName(text);
    if (name !== undefined) return name;
    const message = 'must be a name of the IANA time zone database, like Europe/Lisbon';
    context.issues.push({ code: 'custom', message, input: text });
    return z.NEVER;
  })
  .openapi({ type: 'string', example: 'Europe/Lisbon' });

export const importanceSchema = z.number().min(0, 'must be 0 to 1').max(1, 'must be 0 to 1').openapi({ example: 0.8 });

/** A field under a name that clients of the service before may still send. Without an example, since forms fill it in. */
export function nameOfTheServiceBefore<Schema extends z.ZodType>(schema: Schema, name: string): Schema {
  return schema.openapi({
    deprecated: true,
    description: `Another name of ${name}: send one of the two.`,
    example: undefined,
  });
}

/** A number written in a query string, in decimal digits. Empty text is not a number, nor is `0x10` or `1e2`. */
export function numberFromText(schema: z.ZodType<number, number>) {
  return z
    .string()
    .regex(/^-?\d+(?:\.\d+)?$/, 'must be a number')
    .transform(Number)
    .pipe(schema);
}

export const wholeNumber = (min: number, max: number) => {
  const rule = `must be ${min} to ${max}`;
  return z.int('must be a whole number').min(min, rule).max(max, rule);
};

const maxRequests = 999_999_999;
const maxWindowSeconds = 86_400;

export const rateLimitSchema = z
  .strictObject({
    requests: wholeNumber(1, maxRequests).openapi({ example: 600 }),
    window_seconds: wholeNumber(1, maxWindowSeconds).openapi({ example: 60 }),
  })
  .openapi('RateLimit');

/** Why PostgreSQL or a reader could not keep this text as it is; undefined when they can. */
export function textProblem(text: string): string | undefined {
  if (text.includes('\0')) return 'must not contain the NUL character';
  if (!text.isWellFormed()) return 'must not contain a lone surrogate';
  return undefined;
}

/** Whether the text has at most `max` characters, counted as Unicode code points. */
export function hasAtMost(text: string, max: number): boolean {
  if (text.length <= max) return true;
  if (text.length > max * 2) return false;
  // Code points, as the database counts them: the two halves of a pair are one.
  let characters = text.length;
  for (let n = 0; n < text.length && characters > max; n++) {
    if ((text.charCodeAt(n) & 0xfc00) === 0xd800 && (text.charCodeAt(n + 1) & 0xfc00) === 0xdc00) {
      characters -= 1;
      n += 1;
    }
  }
  return characters <= max;
}

/** @param maxBytes of its JSON text, in UTF-8. */
export function createMetadataSchema(maxBytes: number) {
  return z
    .custom<Record<string, unknown>>((value) => typeof value === 'object' && value !== null && !Array.isArray(value), {
      error: 'must be an object',
    })
    .superRefine((value, context) => {
      const problem = findMetadataProblem(value, maxBytes);
      if (problem !== undefined) {
        context.addIssue({ code: 'custom', path: [...problem.path], message: problem.message });
      }
    })
    .openapi({ type: 'object', additionalProperties: true, example: { topic: 'family' } });
}

const maxMetadataDepth = 4;
const maxMetadataKeys = 50;
const maxMetadataItems = 50;

interface MetadataProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/**
 * The first thing that metadata may not be. Whatever passes is stored as it was sent; whatever would not
 * come back the same (numbers a double cannot hold, text PostgreSQL refuses) is refused.
 *
 * @param maxBytes of its JSON text, in UTF-8.
 */
export function findMetadataProblem(value: unknown, maxBytes: number): MetadataProblem | undefined {
  // First, so that nothing larger is looked at.
  if (!hasAtMostJsonBytes(value, maxBytes)) return at([], `is larger than ${maxBytes} bytes as JSON`);
  return findInValue(value, []);
}

function findInValue(value: unknown, path: readonly (string | number)[]): MetadataProblem | undefined {
  if (typeof value === 'string') return at(path, textProblem(value));
  if (typeof value === 'number') return at(path, numberProblem(value));
  if (typeof value !== 'object' || value === null) return undefined;
  if (path.length >= maxMetadataDepth) return at(path, `is nested deeper than ${maxMetadataDepth} levels`);
  return Array.isArray(value) ? findInArray(value, path) : findInObject(value, path);
}

function findInArray(items: readonly unknown[], path: readonly (string | number)[]): MetadataProblem | undefined {
  if (items.length > maxMetadataItems) return at(path, `has more than ${maxMetadataItems} items`);
  for (const [index, item] of items.entries()) {
    const problem = findInValue(item, [...path, index]);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function findInObject(value: object, path: readonly (string | number)[]): MetadataProblem | undefined {
  if (Object.keys(value).length > maxMetadataKeys) return at(path, `has more than ${maxMetadataKeys} keys`);
  for (const [key, item] of Object.entries(value)) {
    const problem = at(path, textProblem(key)) ?? findInValue(item, [...path, key]);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function numberProblem(value: number): string | undefined {
  if (!Number.isFinite(value)) return 'is a number too large to keep';
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    return 'is a whole number beyond 2^53, which would lose digits: send it as a string';
  }
  return undefined;
}

function at(path: readonly (string | number)[], message: string | undefined): MetadataProblem | undefined {
  return message === undefined ? undefined : { path, message };
}
