import type { Context } from 'hono';
import type { z } from 'zod';
import type { ApiEnv } from './api-env.ts';
import { parseJson } from './json-position.ts';
import { invalidRequest, toFieldErrors } from './validation-hook.ts';

/**
 * The JSON body that `jsonBody` has read, checked by its schema, as the validators of `openapi()` do it. Those ask for
 * the headers of the request once more and check in promises, which costs more than the check.
 *
 * @throws AppError `malformed_json`, or `invalid_request` with an error for each field.
 */
export async function checkedBody<Schema extends z.ZodType>(
  c: Context<ApiEnv>,
  schema: Schema,
): Promise<z.output<Schema>> {
  const checked = schema.safeParse(parseJson(await c.req.text()));
  if (!checked.success) throw invalidRequest(toFieldErrors(checked.error, 'body'));
  return checked.data;
}
