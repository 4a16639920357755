import { z } from '@hono/zod-openapi';
import { errorCatalog, type ErrorCode } from '@memory-layer/shared/errors/error-catalog';
import type { Scope } from '../access/scopes.ts';
import { scopeExtension } from './required-scopes.ts';

const problemSchema = z
  .object({
    type: z.string().openapi({ example: 'urn:memory-layer:error:invalid_request' }),
    title: z.string().openapi({ example: 'Invalid request' }),
    status: z.int().openapi({ example: 422 }),
    detail: z.string().openapi({ example: '/content must not be blank.' }),
    instance: z.string().openapi({ example: '/v1/messages' }),
    code: z.enum(Object.keys(errorCatalog)).openapi({ example: 'invalid_request' }),
    requestId: z.string().openapi({ example: '0b9e8f6c-6c4f-4a53-9a37-0f9b8c1f2d3e' }),
    errors: z
      .array(
        z.object({
          in: z.enum(['body', 'query', 'path', 'header']).openapi({ example: 'body' }),
          pointer: z.string().openapi({ description: 'JSON Pointer, RFC 6901.', example: '/content' }),
          detail: z.string().openapi({ example: 'must not be blank' }),
        }),
      )
      .optional(),
    retry_after: z.int().optional().openapi({ description: 'Of a 429: the seconds of Retry-After.', example: 12 }),
  })
  .openapi('Problem', { description: 'RFC 9457 problem details.' });

/** The response entries for the errors that a route can answer with. */
export function problems(...names: readonly ErrorCode[]) {
  const entries = names.map((name) => {
    const { status, title } = errorCatalog[name];
    return [
      status,
      { description: title, content: { 'application/problem+json': { schema: problemSchema } } },
    ] as const;
  });
  return Object.fromEntries(entries);
}

/** What every call with a key can be answered, and what one with a body besides. */
export const commonErrors = [
  'unauthenticated',
  'forbidden',
  'insufficient_scope',
  'invalid_request',
  'rate_limited',
  'unavailable',
  'deadline_exceeded',
] as const;
export const bodyErrors = ['malformed_json', 'request_timeout', 'payload_too_large', 'unsupported_media_type'] as const;
/** Of what stores messages: when its time is up, 503 says that nothing was stored, where 504 would leave that open. */
export const storingErrors = commonErrors.filter((code) => code !== 'deadline_exceeded');

/** A JSON response entry. */
export function json<Schema extends z.ZodType>(schema: Schema, description: string) {
  return { description, content: { 'application/json': { schema } } };
}

/** Requests that may be sent as they stand, by name; the first one is what the API reference fills in. */
export type BodyExamples = Readonly<Record<string, { readonly summary: string; readonly value: unknown }>>;

/** A required JSON request body. */
export function body<Schema extends z.ZodType>(schema: Schema, examples: BodyExamples) {
  return { required: true as const, content: { 'application/json': { schema, examples } } };
}

/** Of an operation: it takes a key, sent either way, and the key needs this scope. */
export function needsScope(scope: Scope) {
  return { security: [{ apiKey: [] }, { bearer: [] }], [scopeExtension]: scope };
}
