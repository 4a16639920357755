import { z } from '@hono/zod-openapi';
import { maxSpeakerCharacters } from '@memory-layer/shared/message/speaker';
import {
  conversationIdSchema,
  createMetadataSchema,
  hasAtMost,
  importanceSchema,
  instantSchema,
  messageIdSchema,
  nameOfTheServiceBefore,
  numberFromText,
  roleSchema,
  tenantIdSchema,
  textProblem,
} from '../http/field.schemas.ts';
import { isObject } from './content/json-value.ts';
import { hasContent, modelMessageFields, sentRoleSchema, settleContent } from './content/sent-content.ts';
import { embeddingStatuses, hasExpired, onConflictActions } from './message.ts';

const maxContentCharacters = 100_000;
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
  .custom<string | readonly unknown[] | null | undefined>(
    (value) => typeof value === 'string' || value === null || Array.isArray(value),
    {
      error: 'must be a text or a list of parts',
    },
  )
  .superRefine((content, context) => {
    const problem = typeof content === 'string' ? contentProblem(content) : undefined;
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
  })
  .openapi({
    type: ['string', 'array', 'null'],
    minLength: 1,
    maxLength: maxContentCharacters,
    items: { type: 'object' },
    description:
      'A text, stored as it is sent: the blanks around it count too; not blank altogether. Or a list of parts as OpenAI ' +
      'and Anthropic have them, whose texts are stored with a blank line between them (docs/import.md). Or nothing beside tool_calls.',
    example: 'My sister Ana moved to Lisbon in May.',
  });

function contentProblem(text: string): string | undefined {
  return textProblem(text) ?? lengthProblem(text);
}

// The whole text counts, blanks around it too: it is stored as it was sent.
function lengthProblem(text: string): string | undefined {
  if (!hasAtMost(text, maxContentCharacters)) return `must have at most ${maxContentCharacters} characters`;
  return text.trim() === '' ? 'must not be blank' : undefined;
}

function expiryOf(takesExpired: boolean) {
  return takesExpired
    ? instantSchema
    : instantSchema.refine((instant) => !hasExpired(instant), 'must be in the future');
}

function messageObject(maxMetadataBytes: number, takesExpired: boolean) {
  return z.strictObject({
    tenant_id: tenantIdSchema.optional(),
    conversation_id: conversationIdSchema,
    role: sentRoleSchema,
    content: contentSchema,
    metadata: createMetadataSchema(maxMetadataBytes)
      .nullish()
      .openapi({
        description:
          `Yours. \`speaker\`, a text of 1 to ${maxSpeakerCharacters} characters, is who said the message. ` +
          'At most 64 KiB as JSON, unless configured otherwise, with 4 levels and 50 keys an object or items a list.',
      }),
    importance_override: importanceSchema.nullish(),
    importance: nameOfTheServiceBefore(importanceSchema.nullish(), 'importance_override'),
    created_at: instantSchema.nullish(),
    expires_at: expiryOf(takesExpired)
      .nullish()
      .openapi({
        description:
          'From then on the message is not found, listed or read any more, and the next retention run deletes it. ' +
          'In the future, but for an import. Kept to the microsecond.',
        example: '2030-01-31T12:00:00.000Z',
      }),
    external_id: externalIdSchema.nullish(),
    ...modelMessageFields,
  });
}

type SentMessage = z.output<ReturnType<typeof messageObject>>;

function withContent<Fields extends z.ZodType<SentMessage>>(fields: Fields, maxMetadataBytes: number) {
  return (
    fields
      .refine((message) => message.importance == null || message.importance_override == null, {
        path: ['importance'],
        message: 'is another name of importance_override: send one of the two',
      })
      // Named beside what else is wrong with the message.
      .refine(hasContent, { path: ['content'], message: 'is required', when: ({ value }) => isObject(value) })
      .transform(settleContent<z.output<Fields>>({ maxMetadataBytes, textProblem: contentProblem }))
  );
}

/**
 * One message as a client sends it. `importance` is the name older documentation used.
 *
 * @param maxMetadataBytes of the JSON text of its metadata, in UTF-8.
 * @param takesExpired whether `expires_at` may be in the past, for an import that says so of each such message.
 */
export function createMessageCreateSchema(maxMetadataBytes: number, { takesExpired = false } = {}) {
  return withContent(messageObject(maxMetadataBytes, takesExpired), maxMetadataBytes).openapi('MessageCreate');
}

export const onConflictSchema = z.enum(onConflictActions).default('error').openapi({
  description:
    'What is done when a message with the same external_id, conversation, role and content is stored with another importance, metadata, created_at or expires_at: error refuses it with 409 and names what differs, ignore answers the stored one as duplicate, update gives it what was sent. What is left out, or null, is not compared, except expires_at: null, which says that it does not expire. An archived message is not updated: that is a conflict.',
});

/** A message that is sent by itself. */
export function createSingleMessageSchema(maxMetadataBytes: number) {
  const fields = messageObject(maxMetadataBytes, false).extend({ on_conflict: onConflictSchema });
  return withContent(fields, maxMetadataBytes).openapi('SingleMessageCreate');
}

export type SingleMessageSchema = ReturnType<typeof createSingleMessageSchema>;

const exampleMessage = {
  tenant_id: 'acme',
  conversation_id: 'chat-42',
  role: 'user',
  content: 'My sister Ana moved to Lisbon in May.',
  metadata: { topic: 'family' },
};

export const messageExamples = {
  plain: { summary: 'A message', value: exampleMessage },
  all: {
    summary: 'With every field',
    value: {
      ...exampleMessage,
      metadata: { topic: 'family', speaker: 'Ben' },
      importance_override: 0.8,
      created_at: '2026-01-31T12:00:00.000Z',
      expires_at: '2030-01-31T12:00:00.000Z',
      external_id: 'crm-8231',
    },
  },
};

export const messageBatchExamples = {
  conversation: {
    summary: 'Two turns of a conversation',
    value: {
      messages: [
        exampleMessage,
        {
          tenant_id: 'acme',
          conversation_id: 'chat-42',
          role: 'assistant',
          content: 'How does she like her new flat?',
        },
      ],
    },
  },
};

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
    .openapi({ description: 'archived: retention has archived it.', example: 'pending' }),
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
export const messageSchema = z
  .object({
    ...messageFields,
    archived_at: z.iso.datetime().optional().openapi({
      description: 'Of a message that retention has archived: listings and searches leave it out.',
      example: '2026-06-30T03:00:00.000Z',
    }),
    message_metadata: messageMetadataField,
  })
  .openapi('Message');

/** A message as its sender is answered. */
export const createdMessageSchema = messageSchema
  .extend({
    duplicate: z
      .literal(true)
      .optional()
      .openapi({ description: 'It was stored before, under its external_id.', example: true }),
    updated: z
      .literal(true)
      .optional()
      .openapi({ description: 'It was stored before, and has what was sent now: see on_conflict.', example: true }),
    archived: z
      .literal(true)
      .optional()
      .openapi({ description: 'It was stored before, under its external_id, and is archived.', example: true }),
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
    on_conflict: onConflictSchema,
  })
  .openapi('MessageBatchCreate');

const batchErrorSchema = z
  .object({
    message_index: z.int().openapi({ description: 'Position in the request, from 0.', example: 1 }),
    error: z.string().openapi({ example: '/messages/1/role is invalid.' }),
    code: z.string().openapi({ example: 'invalid_request' }),
    differs: z
      .array(z.string().openapi({ example: '/metadata' }))
      .optional()
      .openapi({
        description: 'Of a conflict: the fields of the item that differ, as JSON Pointers.',
      }),
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
    created: z
      .array(batchMessageSchema)
      .openapi({ description: 'The messages that are stored, now or before, in the order they were sent.' }),
    updated: z
      .array(batchMessageSchema)
      .openapi({ description: 'The messages that were stored before and have what was sent now: see on_conflict.' }),
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

export const messageListQuerySchema = z.strictObject({
  tenant_id: tenantIdSchema.optional(),
  conversation_id: conversationIdSchema.optional(),
  limit: numberFromText(z.int('must be a whole number').min(1, 'must be 1 to 200').max(200, 'must be 1 to 200'))
    .default(50)
    .openapi({ type: 'integer', minimum: 1, maximum: 200, default: 50 }),
  order: z
    .enum(['asc', 'desc'])
    .default('asc')
    .openapi({ description: 'By created_at, then in the order of arrival.' }),
  cursor: z.string().max(200).optional().openapi({ description: 'next_cursor of the page before.' }),
});

export type MessageCreateSchema = ReturnType<typeof createMessageCreateSchema>;
export type MessageCreate = z.output<MessageCreateSchema>;
