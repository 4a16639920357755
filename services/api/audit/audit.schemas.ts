import { z } from '@hono/zod-openapi';
import { auditActions, auditObjectTypes, auditOutcomes } from '@memory-layer/shared/db/schema';
import { hasAtMost, instantSchema, numberFromText, tenantIdSchema, textProblem } from '../http/field.schemas.ts';

/** Entries of one answer: of a page, and of a stream of lines. */
export const auditLimits = { page: 200, defaultPage: 50, lines: 10_000 } as const;
export const limitRule = `must be 1 to ${auditLimits.page}, or to ${auditLimits.lines} as application/x-ndjson`;
const maxIdCharacters = 256;

/** An id as it was written: of a key, of a message, of a route. */
const writtenIdSchema = z
  .string()
  .min(1, 'must not be empty')
  .refine((text) => hasAtMost(text, maxIdCharacters), `must have at most ${maxIdCharacters} characters`)
  .refine((text) => textProblem(text) === undefined, 'must be text that can be stored')
  .openapi({ minLength: 1, maxLength: maxIdCharacters });

const actionSchema = z.enum(auditActions).openapi({ example: 'message.delete' });
const objectTypeSchema = z.enum(auditObjectTypes).openapi({ example: 'message' });
const outcomeSchema = z
  .enum(auditOutcomes)
  .openapi({ description: 'refused: the caller may not, or a legal hold keeps it.', example: 'success' });

export const auditQuerySchema = z.strictObject({
  tenant_id: tenantIdSchema.optional().openapi({
    description: 'May be left out with a key of all tenants: then entries of all tenants, and of none, are listed.',
  }),
  actor_id: writtenIdSchema
    .optional()
    .openapi({ description: 'Id of a key, or system:… of a service.', example: 'system:retention-worker' }),
  action: actionSchema.optional(),
  object_type: objectTypeSchema.optional(),
  object_id: writtenIdSchema.optional().openapi({ example: '0192f0c1-2a3b-7c4d-8e5f-6a7b8c9d0e1f' }),
  outcome: outcomeSchema.optional(),
  since: instantSchema.optional().openapi({ description: 'Inclusive.', example: '2026-01-01T00:00:00.000Z' }),
  until: instantSchema.optional().openapi({ description: 'Exclusive.', example: '2030-01-01T00:00:00.000Z' }),
  order: z.enum(['asc', 'desc']).default('desc').openapi({ description: 'desc: the last entry comes first.' }),
  limit: numberFromText(z.int('must be a whole number').min(1, limitRule).max(auditLimits.lines, limitRule))
    .optional()
    .openapi({
      type: 'integer',
      example: auditLimits.defaultPage,
      minimum: 1,
      maximum: auditLimits.lines,
      description: `At most ${auditLimits.page} and by default ${auditLimits.defaultPage} as JSON, at most and by default ${auditLimits.lines} as lines.`,
    }),
  cursor: z
    .uuid('is not a cursor of this listing')
    .optional()
    .openapi({ description: 'next_cursor of the page before.' }),
});
export type AuditQuery = z.output<typeof auditQuerySchema>;

const auditEventSchema = z
  .object({
    id: z.uuid().openapi({ example: '0192f0c1-2a3b-7c4d-8e5f-6a7b8c9d0e1f' }),
    at: z.iso.datetime().openapi({ example: '2026-01-31T12:00:00.000Z' }),
    tenant_id: tenantIdSchema.nullable().openapi({ description: 'Null for what is of no tenant, or of all.' }),
    actor: z
      .object({
        id: z.string().openapi({ example: '5f2d9c0a71be' }),
        name: z.string().openapi({ description: 'As of then.', example: 'support desk' }),
      })
      .nullable()
      .openapi({ description: 'The key; null where no known key was sent.' }),
    action: actionSchema,
    object: z.object({
      type: objectTypeSchema,
      id: z.string().nullable().openapi({ example: '0192f0c1-2a3b-7c4d-8e5f-6a7b8c9d0e1f' }),
    }),
    outcome: outcomeSchema,
    request_id: z.string().nullable().openapi({ example: '0b9e8f6c-6c4f-4a53-9a37-0f9b8c1f2d3e' }),
    address: z.string().nullable().openapi({
      description: 'Of the caller, behind the proxies that are trusted.',
      example: '203.0.113.7',
    }),
    changes: z
      .record(z.string(), z.unknown())
      .openapi({ description: 'Names and values of what was changed; never content or secrets.', example: {} }),
  })
  .openapi('AuditEvent');
export type AuditEventBody = z.input<typeof auditEventSchema>;

const nextCursorSchema = z.string().nullable().openapi({
  description: 'Pass as cursor to go on, even when items are few or none; null at the end.',
  example: null,
});

export const auditPageSchema = z
  .object({ items: z.array(auditEventSchema), next_cursor: nextCursorSchema })
  .openapi('AuditPage');

export const auditLineSchema = z
  .union([
    auditEventSchema,
    z.object({
      next_cursor: nextCursorSchema,
      code: z
        .string()
        .optional()
        .openapi({ description: 'Why the answer ends early, as in problem details.', example: 'unavailable' }),
    }),
  ])
  .openapi('AuditLine', { description: 'An entry; the last line has next_cursor.' });
