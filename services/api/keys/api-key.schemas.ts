import { z } from '@hono/zod-openapi';
import {
  hasAtMost,
  instantSchema,
  numberFromText,
  rateLimitSchema,
  tenantIdSchema,
  textProblem,
  wholeNumber,
} from '../http/field.schemas.ts';
import { keyIdPattern } from './key-format.ts';
import { scopes } from '../access/scopes.ts';

const maxNameCharacters = 100;
const maxTenants = 100;
const maxOverlapSeconds = 2_592_000;
const exampleId = '4bR2nX9QmT7cKp1L';
const exampleTime = '2026-01-31T12:00:00.000Z';

export const keyIdSchema = z.string().regex(keyIdPattern, 'must be the id of a key').openapi({ example: exampleId });

const nameSchema = z
  .string()
  .refine((name) => name.trim() !== '', 'must not be blank')
  .refine((name) => hasAtMost(name, maxNameCharacters), `must have at most ${maxNameCharacters} characters`)
  .superRefine((name, context) => {
    const problem = textProblem(name);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
  })
  .openapi({ minLength: 1, maxLength: maxNameCharacters, example: 'ingest of the web shop' });

const scopeSchema = z.enum(scopes, { error: `must be one of ${scopes.join(', ')}` }).openapi({ example: 'search' });

export const keyCreateSchema = z
  .strictObject({
    name: nameSchema,
    tenant_ids: z
      .array(tenantIdSchema)
      .min(1, 'must name at least one tenant')
      .max(maxTenants, `must name at most ${maxTenants} tenants`)
      .refine((ids) => new Set(ids).size === ids.length, 'must name each tenant once')
      .nullable()
      .optional()
      .openapi({ description: 'Null: all tenants. A key of one tenant may leave it out, and gives its own.' }),
    scopes: z
      .array(scopeSchema)
      .min(1, 'must name at least one scope')
      .max(scopes.length, 'must name each scope once')
      .refine((given) => new Set(given).size === given.length, 'must name each scope once'),
    expires_at: instantSchema.optional().openapi({ example: '2999-12-31T00:00:00.000Z' }),
    rate_limit: rateLimitSchema.optional().openapi({ description: 'In place of MEMORY_KEY_RATE_LIMIT.' }),
  })
  .openapi('KeyCreate');

export const keyCreateExamples = {
  tenant: {
    summary: 'For an application of one tenant',
    value: { name: 'web shop', tenant_ids: ['acme'], scopes: ['messages:write', 'search'] },
  },
  all: { summary: 'For Prometheus', value: { name: 'prometheus', tenant_ids: null, scopes: ['metrics'] } },
};

export const keyRotateSchema = z
  .strictObject({
    overlap_seconds: wholeNumber(0, maxOverlapSeconds)
      .default(0)
      .openapi({ description: 'How long the secret of now stays good beside the new one.', example: 3600 }),
  })
  .openapi('KeyRotate');

export const keyRotateExamples = {
  overlap: { summary: 'The old secret stays good for an hour', value: { overlap_seconds: 3600 } },
};

export const keyListQuerySchema = z.strictObject({
  limit: numberFromText(wholeNumber(1, 200))
    .default(50)
    .openapi({ type: 'integer', minimum: 1, maximum: 200, default: 50 }),
  cursor: z
    .string()
    .regex(keyIdPattern, 'is not a cursor of this listing')
    .optional()
    .openapi({ description: 'next_cursor of the page before.' }),
});

const timeSchema = z.iso.datetime().openapi({ example: exampleTime });

export const keySchema = z
  .object({
    key_id: keyIdSchema,
    name: z.string().openapi({ example: 'web shop' }),
    tenant_ids: z.array(tenantIdSchema).nullable().openapi({ description: 'Null: all tenants.' }),
    scopes: z.array(scopeSchema),
    rate_limit: rateLimitSchema.nullable(),
    status: z.enum(['active', 'expired', 'revoked']).openapi({ example: 'active' }),
    created_at: timeSchema,
    created_by: z.string().openapi({ description: 'The id of the key that made it.', example: exampleId }),
    expires_at: timeSchema.nullable(),
    revoked_at: timeSchema.nullable(),
    rotated_at: timeSchema.nullable(),
    previous_valid_until: timeSchema
      .nullable()
      .openapi({ description: 'Until then the secret of before the last rotation is good, too.' }),
    last_used_at: timeSchema.nullable().openapi({ description: 'To a minute.' }),
  })
  .openapi('Key');

export const shownKeySchema = keySchema
  .extend({
    key: z.string().openapi({
      description: 'The key itself. It is shown this once, and only its hash is stored.',
      example: `mlk_${exampleId}_000000000000000000000000000000003ZQvPn`,
    }),
  })
  .openapi('KeyWithSecret');

export const keyPageSchema = z
  .object({
    items: z.array(keySchema),
    next_cursor: z
      .string()
      .nullable()
      .openapi({ description: 'Pass as cursor to go on; null at the end.', example: null }),
  })
  .openapi('KeyPage');
