import { z } from '@hono/zod-openapi';
import { conversationIdSchema, messageIdSchema, numberFromText, tenantIdSchema } from '../http/field.schemas.ts';

const maxMessageIds = 1000;

export const failureListQuerySchema = z.strictObject({
  tenant_id: tenantIdSchema.optional(),
  limit: numberFromText(z.int('must be a whole number').min(1, 'must be 1 to 200').max(200, 'must be 1 to 200'))
    .default(50)
    .openapi({ type: 'integer', minimum: 1, maximum: 200, default: 50 }),
  cursor: z
    .uuid('is not a cursor of this listing')
    .optional()
    .openapi({ description: 'next_cursor of the page before.' }),
});

const failureSchema = z
  .object({
    message_id: messageIdSchema,
    conversation_id: conversationIdSchema,
    reason: z.string().nullable().openapi({
      description: 'Why the last attempt failed.',
      example: 'the embedding server answered 400',
    }),
    attempts: z.int().openapi({ example: 3 }),
    failed_at: z.iso
      .datetime()
      .nullable()
      .openapi({ description: 'Null when it is not known.', example: '2026-01-31T12:00:05.000Z' }),
    created_at: z.iso.datetime().openapi({ description: 'Of the message.', example: '2026-01-31T12:00:00.000Z' }),
  })
  .openapi('EmbeddingFailure');

export const failurePageSchema = z
  .object({
    items: z.array(failureSchema),
    next_cursor: z
      .string()
      .nullable()
      .openapi({ description: 'Pass as cursor to go on; null at the end.', example: null }),
  })
  .openapi('EmbeddingFailurePage');

/** Some by their ids, or all: one of the two. */
export const retryRequestSchema = z
  .strictObject({
    tenant_id: tenantIdSchema.optional(),
    message_ids: z
      .array(messageIdSchema)
      .min(1, 'must name at least one message')
      .max(maxMessageIds, `must name at most ${maxMessageIds} messages`)
      .optional(),
    all: z
      .literal(true, { error: 'must be true when it is given' })
      .optional()
      .openapi({ description: 'Every failed message of the tenant.', example: true }),
  })
  .refine((request) => request.message_ids !== undefined || request.all !== undefined, {
    path: ['message_ids'],
    message: 'is required, unless all is true',
  })
  .refine((request) => request.message_ids === undefined || request.all === undefined, {
    path: ['all'],
    message: 'must not be sent together with message_ids',
  })
  .openapi('EmbeddingRetryRequest');

export const retryExamples = {
  all: { summary: 'Every failed message of a tenant', value: { tenant_id: 'acme', all: true } },
  some: {
    summary: 'Some, by their ids',
    value: { tenant_id: 'acme', message_ids: ['0192f0c1-2a3b-7c4d-8e5f-6a7b8c9d0e1f'] },
  },
};

export const retrySchema = z
  .object({
    tenant_id: tenantIdSchema,
    retried: z.int().openapi({ description: 'How many failed messages are pending again.', example: 2 }),
    not_found: z.array(messageIdSchema).openapi({ description: 'Ids that no message of this tenant has.' }),
    not_failed: z
      .array(messageIdSchema)
      .openapi({ description: 'Ids of messages that are embedded, or pending already.' }),
    remaining: z.boolean().openapi({
      description: 'With all: whether failed messages are left for want of time. Send the same again.',
      example: false,
    }),
  })
  .openapi('EmbeddingRetry');
