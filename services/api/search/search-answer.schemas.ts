import { z } from '@hono/zod-openapi';
import { conversationIdSchema, messageIdSchema, roleSchema } from '../http/field.schemas.ts';

const share = z.number().openapi({ example: 0.71 });
const content = z.string().openapi({ example: 'My sister Ana moved to Lisbon in May.' });
const metadata = z.record(z.string(), z.unknown()).openapi({ example: { topic: 'family' } });
const createdAt = z.iso.datetime().openapi({ example: '2026-01-31T12:00:00.000Z' });
const similarity = z
  .number()
  .nullable()
  .openapi({ description: 'Plain cosine similarity; null when unknown.', example: 0.63 });
const importance = z.number().openapi({ example: 0.233 });

export const neighbourSchema = z
  .object({ message_id: messageIdSchema, role: roleSchema, content, metadata, created_at: createdAt })
  .openapi('SearchNeighbour');

const breakdownSchema = z
  .object({
    similarity,
    vector: share,
    lexical: share,
    context: share.openapi({ description: 'What the neighbours add to the relevance, or take.', example: 0.04 }),
    speaker: share,
    length: share,
    role: share.openapi({ description: 'What its role gains.', example: 0 }),
    recency: share.openapi({
      description: 'How new it is beside the other candidates, where that counts.',
      example: 0,
    }),
    session: share.openapi({ description: 'How relevant its conversation is.', example: 0.6 }),
    nearby: z.object({ vector: share, lexical: share }).openapi({
      description: 'Both sides, read with the messages beside it; words as a share of all words of the query.',
    }),
    time: share.openapi({
      description: 'What it gains by when it was said, if the query names a time.',
      example: 0,
    }),
    echo: z.boolean().optional().openapi({
      description:
        'True, or left out: it is a question that repeats the query, so only a share of its relevance counts.',
      example: true,
    }),
    relevance: share.openapi({
      description: 'What the parts before make of it, as a share of the best candidate’s.',
    }),
    importance,
    decay: share,
    rerank: share.optional().openapi({
      description: 'What counts in place of the relevance when the hit was reranked: the reranker’s score.',
    }),
    score: share,
  })
  .openapi({
    description: 'What made the score: docs/ranking.md has the formula.',
  });

export const searchHitSchema = z
  .object({
    message_id: messageIdSchema,
    conversation_id: conversationIdSchema,
    role: roleSchema,
    content,
    metadata,
    created_at: createdAt,
    score: share.openapi({ description: 'The weighted mean of relevance, importance and decay.' }),
    confidence: share.openapi({
      description:
        'How likely it is that the hit has to do with the query. Unlike the score, it can be compared between queries.',
      example: 0.93,
    }),
    similarity,
    decay: share,
    importance,
    duplicates: z.int().openapi({
      description: 'How many other candidates say the same. They are shown on no page.',
      example: 0,
    }),
    breakdown: breakdownSchema,
    neighbours: z
      .object({
        before: z.array(neighbourSchema),
        after: z.array(neighbourSchema),
        truncated: z.boolean().openapi({
          description: 'True when some are left out because the answer would be too large: the farthest ones.',
          example: false,
        }),
      })
      .optional()
      .openapi({
        description:
          'The messages around it in its conversation, oldest first, whether they are hits or pass the filter or not; if asked for.',
      }),
  })
  .openapi('SearchHit');

export const searchResponseSchema = z
  .object({
    total: z.int().openapi({ description: 'Number of items returned.', example: 1 }),
    degraded: z
      .boolean()
      .openapi({ description: 'True when the query could not be embedded: found by words alone.', example: false }),
    reranked: z
      .boolean()
      .openapi({ description: 'True when the reranker has put the hits into their order.', example: false }),
    time: z
      .object({
        from: createdAt.openapi({ description: 'Inclusive.' }),
        to: createdAt.openapi({ description: 'Exclusive.', example: '2026-02-01T00:00:00.000Z' }),
        text: z.string().openapi({ description: 'How the query names it.', example: 'last month' }),
      })
      .optional()
      .openapi({
        description: 'The time that the query names: messages of it rank higher. Left out when it names none.',
      }),
    truncated: z.boolean().openapi({
      description:
        'True when the answer ends at its size of 16 MiB: fewer hits than top_k, and next_cursor goes on, or fewer neighbours, which say so themselves.',
      example: false,
    }),
    items: z.array(searchHitSchema),
    groups: z
      .array(
        z.object({
          conversation_id: conversationIdSchema,
          score: share.openapi({ description: 'That of its best hit.' }),
          message_ids: z.array(messageIdSchema),
        }),
      )
      .optional()
      .openapi({ description: 'The conversations of the hits, best first; with group_by.' }),
    next_cursor: z
      .string()
      .nullable()
      .openapi({ description: 'Pass as cursor to go on; null at the end.', example: null }),
    exhausted: z.boolean().openapi({
      description:
        'True when nothing more matches. False with no next_cursor: pages end after 1000 hits, the filter was compared with the newest 250000 messages alone, since no index serves it, or grouped hits are one page.',
      example: true,
    }),
  })
  .openapi('SearchResponse');
