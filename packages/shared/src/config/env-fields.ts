import { z } from 'zod';

/** A whole number in a range, from text. */
export const integer = (min: number, max: number) =>
  z
    .string()
    .regex(/^-?\d+$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().int().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`));

/** A number in a range, from text. */
export const decimal = (min: number, max: number) =>
  z
    .string()
    .regex(/^-?\d+(\.\d+)?$/, 'must be a number')
    .transform(Number)
    .pipe(z.number().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`));

export const port = integer(0, 65_535);

export const flag = z
  .enum(['true', 'false', '1', '0'], { error: 'must be true or false' })
  .transform((value) => value === 'true' || value === '1');

/** A text that is taken as it stands, blanks at its ends included; an empty one is set, and not the same as none. */
export const literalText = (maxLength: number) =>
  z
    .string()
    .max(maxLength, `must have at most ${maxLength} characters`)
    .optional()
    .meta({ [literal]: true });

/** Whether a field wants its text as it stands. */
export function isLiteral(field: z.core.$ZodType): boolean {
  return z.globalRegistry.get(field)?.[literal] === true;
}

const literal = 'literal';

/** Comma separated values, trimmed, empty ones left out. */
export const list = z.string().transform((text) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== ''),
);
