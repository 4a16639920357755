import { z } from '@hono/zod-openapi';

/** A number written in a query string, in decimal digits. Empty text is not a number, nor is `0x10` or `1e2`. */
export function numberFromText(schema: z.ZodType<number, number>) {
  return z
    .string()
    .regex(/^-?\d+(?:\.\d+)?$/, 'must be a number')
    .transform(Number)
    .pipe(schema);
}
