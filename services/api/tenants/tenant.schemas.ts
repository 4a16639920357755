import { z } from '@hono/zod-openapi';
import { numberFromText, rateLimitSchema, tenantIdSchema, wholeNumber } from '../http/field.schemas.ts';

const maxCount = Number.MAX_SAFE_INTEGER;
const maxSmallCount = 1_000_000;

const limitOf = (max: number, example: number, description: string) =>
  wholeNumber(0, max).nullable().optional().openapi({ description, example });

export const quotasSchema = z
  .strictObject({
    max_messages: limitOf(maxCount, 1_000_000, 'Messages, without archived ones. Storing is refused from then on.'),
    max_bytes: limitOf(maxCount, 10_000_000_000, 'Bytes of the text and metadata of messages, likewise.'),
    max_keys: limitOf(maxSmallCount, 20, 'Keys of the tenant that are neither revoked nor expired.'),
    max_streams: limitOf(maxSmallCount, 10, 'Event streams, of each process.'),
    rate_limit: rateLimitSchema.nullable().optional().openapi({ description: 'In place of MEMORY_TENANT_RATE_LIMIT.' }),
  })
  .openapi('TenantQuotas', { description: 'What is null or left out is not limited.' });

export const tenantCreateSchema = z
  .strictObject({ tenant_id: tenantIdSchema, quotas: quotasSchema.optional() })
  .openapi('TenantCreate');

export const tenantCreateExamples = {
  limited: { summary: 'With quotas', value: { tenant_id: 'initech', quotas: { max_messages: 1_000_000 } } },
};

export const quotasExamples = {
  some: {
    summary: 'Messages and requests',
    value: { max_messages: 1_000_000, rate_limit: { requests: 600, window_seconds: 60 } },
  },
  none: { summary: 'None any more', value: {} },
};

export const tenantListQuerySchema = z.strictObject({
  limit: numberFromText(wholeNumber(1, 200))
    .default(50)
    .openapi({ type: 'integer', minimum: 1, maximum: 200, default: 50 }),
  cursor: tenantIdSchema.optional().openapi({ description: 'next_cursor of the page before.', example: undefined }),
});

const timeSchema = z.iso.datetime().openapi({ example: '2026-01-31T12:00:00.000Z' });
const shownCount = z.int().nullable().openapi({ example: 1_000_000 });

export const tenantSchema = z
  .object({
    tenant_id: tenantIdSchema,
    status: z.enum(['active', 'suspended']).openapi({ example: 'active' }),
    created_at: timeSchema,
    suspended_at: timeSchema.nullable(),
    quotas: z.object({
      max_messages: shownCount,
      max_bytes: shownCount,
      max_keys: shownCount,
      max_streams: shownCount,
      rate_limit: rateLimitSchema.nullable(),
    }),
  })
  .openapi('Tenant');

export const countedTenantSchema = tenantSchema
  .extend({
    usage: z.object({
      messages: z.int().openapi({ description: 'Without archived ones.', example: 1234 }),
      bytes: z.int().openapi({ description: 'Of the text and metadata of these messages.', example: 345_678 }),
      keys: z.int().openapi({ description: 'That are neither revoked nor expired.', example: 3 }),
      is_at_least: z.boolean().openapi({
        description: 'Whether there is more: at most 10 000 messages are counted for an answer.',
        example: false,
      }),
    }),
  })
  .openapi('TenantWithUsage');

export const tenantPageSchema = z
  .object({
    items: z.array(tenantSchema),
    next_cursor: z
      .string()
      .nullable()
      .openapi({ description: 'Pass as cursor to go on; null at the end.', example: null }),
  })
  .openapi('TenantPage');
