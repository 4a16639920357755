import { z } from '@hono/zod-openapi';
import { roles } from '@memory-layer/shared/db/schema';
import { tenantIdPattern } from '@memory-layer/shared/tenant/tenant-id';
import { embeddingStatuses } from './message.ts';
import { numberFromText } from '../http/number-from-text.ts';
import { findMetadataProblem } from './metadata-rules.ts';
import { hasAtMost, textProblem } from './text-rules.ts';

const maxContentCharacters = 100_000;
const firstInstant = Date.UTC(1970, 0, 1);
const lastInstant = Date.UTC(10_000, 0, 1) - 1;

export const tenantIdSchema = z
  .string()
  .regex(tenantIdPattern, 'must be 1 to 64 characters of A-Z a-z 0-9 _ . -')
  .openapi({ example: 'acme' });

export const conversationIdSchema = z
  .string()
  .regex(/^[A-Za-z0-9_.-]{1,128}$/, 'must be 1 to 128 characters of A-Z a-z 0-9 _ . -')
  .openapi({ example: 'chat-42' });

export const roleSchema = z.enum(roles).openapi({ example: 'user' });

export const messageIdSchema = z.uuid('must be a UUID').openapi({ example: '0192f0c1-2a3b-7c4d-8e5f-6a7b8c9d0e1f' });

/** An instant, ISO 8601 with an offset, kept to the millisecond. */
export const instantSchema = z.iso
  .datetime({ offset: true, error: 'must be an ISO 8601 date and time with an offset, like 2026-01-31T12:00:00Z' })
  .transform((text) => new Date(text))
  .refine((date) => date.getTime() >= firstInstant && date.getTime() <= lastInstant, 'must be between 1970 and 9999')
  .openapi({ type: 'string', format: 'date-time', example: '2026-01-31T12:00:00.000Z' });

export const importanceSchema = z.number().min(0, 'must be 0 to 1').max(1, 'must be 0 to 1').openapi({ example: 0.8 });

const maxExternalIdCharacters = 256;

const externalIdSchema = z
  .string()
  .min(1, 'must not be empty')
  .superRefine((text, context) => {
    const tooLong = hasAtMost(text, maxExternalIdCharacters)
      ? undefined
      : `must have at most ${maxExternalIdCharacters} characters`;
    const problem = textProblem(text) ?? tooLong;
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
  })
  .openapi({
    description: 'Your own id of the message, unique in its tenant: what is sent again is stored once.',
    maxLength: maxExternalIdCharacters,
    example: 'crm-8231',
  });

const contentSchema = z
  .string()
  .superRefine((text, context) => {
    const problem = textProblem(text) ?? lengthProblem(text);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
  })
  .openapi({
    minLength: 1,
    maxLength: maxContentCharacters,
    description: 'Stored as it is sent: the blanks around it count too. Not blank altogether.',
    example: 'My sister Ana moved to Lisbon in May.',
  });

// The whole text counts, blanks around it too: it is stored as it was sent.
function lengthProblem(text: string): string | undefined {
  if (!hasAtMost(text, maxContentCharacters)) return `must have at most ${maxContentCharacters} characters`;
  return text.trim() === '' ? 'must not be blank' : undefined;
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

/**
 * One message as a client sends it. `importance` is the name older documentation used.
 *
 * @param maxMetadataBytes of the JSON text of its metadata, in UTF-8.
 */
export function createMessageCreateSchema(maxMetadataBytes: number) {
  return z
    .strictObject({
      tenant_id: tenantIdSchema.optional(),
      conversation_id: conversationIdSchema,
      role: roleSchema,
      content: contentSchema,
      metadata: createMetadataSchema(maxMetadataBytes).nullish().openapi({
        description:
          'Yours. `speaker`, a text of 1 to 256 characters, is who said the message. At most 64 KiB as JSON, unless configured otherwise, with 4 levels and 50 keys an object or items a list.',
      }),
      importance_override: importanceSchema.nullish(),
      importance: importanceSchema.nullish(),
      created_at: instantSchema.nullish(),
      expires_at: instantSchema.nullish(),
      external_id: externalIdSchema.nullish(),
    })
    .refine((message) => message.importance == null || message.importance_override == null, {
      path: ['importance'],
      message: 'is another name of importance_override: send one of the two',
    })
    .openapi('MessageCreate');
}

const messageFields = {
  id: messageIdSchema,
  tenant_id: tenantIdSchema,
  conversation_id: conversationIdSchema,
  role: roleSchema,
  content: z.string().openapi({ example: 'My sister Ana moved to Lisbon in May.' }),
  metadata: z.record(z.string(), z.unknown()).openapi({ example: { topic: 'family' } }),
  importance_score: z.number().openapi({ example: 0.233 }),
  embedding_status: z
    .enum(embeddingStatuses)
    .openapi({ description: 'archived: of a duplicate that retention has archived.', example: 'pending' }),
  external_id: z.string().nullable().openapi({ example: null }),
  created_at: z.iso.datetime().openapi({ example: '2026-01-31T12:00:00.000Z' }),
  updated_at: z.iso.datetime().openapi({ example: '2026-01-31T12:00:00.000Z' }),
  expires_at: z.iso.datetime().nullable().openapi({ example: null }),
};

/** What the service before answered in place of `metadata`; on its paths alone. */
const messageMetadataField = z.record(z.string(), z.unknown()).openapi({
  deprecated: true,
  description: 'The same as metadata, under its older name. Deprecated: read metadata.',
  example: { topic: 'family' },
});

/** A message in a list. */
export const listedMessageSchema = z.object(messageFields).openapi('ListedMessage');

/** A message by itself. */
export const messageSchema = z.object({ ...messageFields, message_metadata: messageMetadataField }).openapi('Message');

/** A message as it is answered to whoever sent it. */
export const createdMessageSchema = messageSchema
  .extend({
    duplicate: z
      .literal(true)
      .optional()
      .openapi({ description: 'It was stored before, under its external_id.', example: true }),
  })
  .openapi('CreatedMessage');

export const maxBatchMessages = 1000;

/** The envelope of a batch. Items are checked one by one, so that a bad one does not fail its neighbours. */
export const messageBatchCreateSchema = z
  .strictObject({
    messages: z
      .array(z.unknown())
      .min(1, 'must hold at least one message')
      .max(maxBatchMessages, `must hold at most ${maxBatchMessages} messages`)
      .openapi({ type: 'array', items: { $ref: '#/components/schemas/MessageCreate' } }),
  })
  .openapi('MessageBatchCreate');

const batchErrorSchema = z
  .object({
    message_index: z.int().openapi({ description: 'Position in the request, from 0.', example: 1 }),
    error: z.string().openapi({ example: '/messages/1/role is invalid.' }),
    code: z.string().openapi({ example: 'invalid_request' }),
    errors: z.array(
      z.object({
        in: z.string().openapi({ example: 'body' }),
        pointer: z.string().openapi({ description: 'JSON Pointer, RFC 6901.', example: '/messages/1/role' }),
        detail: z.string().openapi({ example: 'is invalid' }),
      }),
    ),
    truncated: z
      .literal(true)
      .optional()
      .openapi({ description: 'errors is left out: see truncated of a stored message.', example: true }),
  })
  .openapi('MessageBatchError');

/** A stored message of a batch: the last ones are short when the whole answer would be too large. */
const batchMessageSchema = createdMessageSchema
  .partial({ content: true, metadata: true, message_metadata: true })
  .extend({
    truncated: z.literal(true).optional().openapi({
      description:
        'content, metadata and message_metadata are left out, of this item and of those after it, since the answer would be larger than 16 MiB. GET /v1/messages/{id} has them.',
      example: true,
    }),
  })
  .openapi('BatchMessage');

export const messageBatchSchema = z
  .object({
    created: z.array(batchMessageSchema).openapi({ description: 'The stored messages, in the order they were sent.' }),
    updated: z.array(messageSchema).openapi({ description: 'Always empty: kept for clients of the older API.' }),
    deleted: z.array(messageIdSchema).openapi({ description: 'Always empty: kept for clients of the older API.' }),
    errors: z.array(batchErrorSchema),
  })
  .openapi('MessageBatch');

export const messagePageSchema = z
  .object({
    items: z.array(listedMessageSchema),
    next_cursor: z
      .string()
      .nullable()
      .openapi({ description: 'Pass as cursor to go on; null at the end.', example: null }),
  })
  .openapi('MessagePage');

// Not a real place: what a client passes back is what it was given.
const exampleCursor = 'WzE3Njk4NjA4MDAwMDAsIjAxOTJmMGMxLTJhM2ItN2M0ZC04ZTVmLTZhN2I4YzlkMGUxZiIsImFzYyJd';

export const messageListQuerySchema = z.strictObject({
  tenant_id: tenantIdSchema.optional(),
  conversation_id: conversationIdSchema.optional(),
  limit: numberFromText(z.int('must be a whole number').min(1, 'must be 1 to 200').max(200, 'must be 1 to 200'))
    .default(50)
    .openapi({ type: 'integer', minimum: 1, maximum: 200, default: 50 }),
  order: z.enum(['asc', 'desc']).default('asc').openapi({ description: 'By created_at.' }),
  cursor: z
    .string()
    .max(200)
    .optional()
    .openapi({ description: 'next_cursor of the page before.', example: exampleCursor }),
});

export type MessageCreateSchema = ReturnType<typeof createMessageCreateSchema>;
export type MessageCreate = z.output<MessageCreateSchema>;
