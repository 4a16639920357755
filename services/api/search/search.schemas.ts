import { z } from '@hono/zod-openapi';
import { numberFromText } from '../http/number-from-text.ts';
import {
  conversationIdSchema,
  importanceSchema,
  instantSchema,
  messageIdSchema,
  metadataSchema,
  roleSchema,
  tenantIdSchema,
} from '../message/message.schemas.ts';
import { hasAtMost, textProblem } from '../message/text-rules.ts';
import { searchModes } from './search.ts';

const maxQueryCharacters = 10_000;

const querySchema = z
  .string()
  .superRefine((text, context) => {
    const problem = textProblem(text) ?? lengthProblem(text);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
  })
  .openapi({ minLength: 1, maxLength: maxQueryCharacters, example: 'Where does my sister live?' });

function lengthProblem(text: string): string | undefined {
  if (text.trim() === '') return 'must not be blank';
  return hasAtMost(text, maxQueryCharacters) ? undefined : `must have at most ${maxQueryCharacters} characters`;
}

const topK = z.int('must be a whole number').min(1, 'must be 1 to 100').max(100, 'must be 1 to 100');
const candidateLimit = z.int('must be a whole number').min(1, 'must be 1 to 1000').max(1000, 'must be 1 to 1000');
const mode = z.enum(searchModes).default('hybrid');

const importanceFromText = numberFromText(importanceSchema)
  .optional()
  .openapi({ type: 'number', minimum: 0, maximum: 1, example: 0.5 });

const oneImportance = {
  path: ['min_importance'],
  message: 'is another name of importance_min: send one of the two',
};
const hasOneImportance = (value: { importance_min?: unknown; min_importance?: unknown }) =>
  value.importance_min === undefined || value.min_importance === undefined;

export const searchQuerySchema = z
  .strictObject({
    tenant_id: tenantIdSchema.optional(),
    query: querySchema,
    conversation_id: conversationIdSchema.optional(),
    top_k: numberFromText(topK).default(5).openapi({ type: 'integer', minimum: 1, maximum: 100, default: 5 }),
    candidate_limit: numberFromText(candidateLimit)
      .default(200)
      .openapi({ type: 'integer', minimum: 1, maximum: 1000, default: 200 }),
    importance_min: importanceFromText,
    min_importance: importanceFromText,
    mode,
  })
  .refine(hasOneImportance, oneImportance);

const oneOrMore = <Schema extends z.ZodType>(schema: Schema) =>
  z.array(schema).min(1, 'must name at least one').max(100, 'must name at most 100');

export const searchBodySchema = z
  .strictObject({
    tenant_id: tenantIdSchema.optional(),
    query: querySchema,
    mode,
    top_k: topK.default(5),
    candidate_limit: candidateLimit.default(200),
    conversation_id: conversationIdSchema.optional(),
    conversation_ids: oneOrMore(conversationIdSchema).optional(),
    role: roleSchema.optional(),
    roles: oneOrMore(roleSchema).optional(),
    created_after: instantSchema.optional().openapi({ description: 'Inclusive.' }),
    created_before: instantSchema.optional().openapi({ description: 'Exclusive.' }),
    importance_min: importanceSchema.optional(),
    min_importance: importanceSchema.optional(),
    metadata: metadataSchema.optional().openapi({ description: 'What the metadata of a hit must contain.' }),
  })
  .refine(hasOneImportance, oneImportance)
  .refine((value) => value.conversation_id === undefined || value.conversation_ids === undefined, {
    path: ['conversation_ids'],
    message: 'cannot be combined with conversation_id',
  })
  .refine((value) => value.role === undefined || value.roles === undefined, {
    path: ['roles'],
    message: 'cannot be combined with role',
  })
  .openapi('SearchRequest');

const share = z.number().openapi({ example: 0.71 });

export const searchHitSchema = z
  .object({
    message_id: messageIdSchema,
    conversation_id: conversationIdSchema,
    role: roleSchema,
    content: z.string().openapi({ example: 'My sister Ana moved to Lisbon in May.' }),
    metadata: z.record(z.string(), z.unknown()).openapi({ example: { topic: 'family' } }),
    created_at: z.iso.datetime().openapi({ example: '2026-01-31T12:00:00.000Z' }),
    score: share.openapi({ description: '0.6 relevance + 0.3 importance + 0.1 decay.' }),
    similarity: z
      .number()
      .nullable()
      .openapi({ description: 'Plain cosine similarity; null when unknown.', example: 0.63 }),
    decay: share,
    importance: z.number().openapi({ example: 0.233 }),
    breakdown: z
      .object({ vector: share, lexical: share, context: share, relevance: share })
      .openapi({ description: 'Parts of the relevance, each scaled 0 to 1 over this query’s candidates.' }),
  })
  .openapi('SearchHit');

export const searchResponseSchema = z
  .object({
    total: z.int().openapi({ description: 'Number of items returned.', example: 1 }),
    degraded: z
      .boolean()
      .openapi({ description: 'True when the query could not be embedded: found by words alone.', example: false }),
    items: z.array(searchHitSchema),
  })
  .openapi('SearchResponse');
