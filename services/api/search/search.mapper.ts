import type { z } from '@hono/zod-openapi';
import type { searchBodySchema, searchHitSchema, searchQuerySchema } from './search.schemas.ts';
import type { SearchHit, SearchRequest } from './search.ts';

interface Caller {
  readonly tenantId: string;
  readonly signal: AbortSignal;
}

export function fromQuery(query: z.output<typeof searchQuerySchema>, caller: Caller): SearchRequest {
  return {
    ...caller,
    query: query.query,
    mode: query.mode,
    topK: query.top_k,
    candidateLimit: query.candidate_limit,
    filter: {
      conversationIds: query.conversation_id === undefined ? undefined : [query.conversation_id],
      roles: undefined,
      createdAfter: undefined,
      createdBefore: undefined,
      importanceMin: query.importance_min ?? query.min_importance,
      metadata: undefined,
    },
  };
}

export function fromBody(body: z.output<typeof searchBodySchema>, caller: Caller): SearchRequest {
  return {
    ...caller,
    query: body.query,
    mode: body.mode,
    topK: body.top_k,
    candidateLimit: body.candidate_limit,
    filter: {
      conversationIds:
        body.conversation_ids ?? (body.conversation_id === undefined ? undefined : [body.conversation_id]),
      roles: body.roles ?? (body.role === undefined ? undefined : [body.role]),
      createdAfter: body.created_after,
      createdBefore: body.created_before,
      importanceMin: body.importance_min ?? body.min_importance,
      metadata: body.metadata,
    },
  };
}

export function toHitBody(hit: SearchHit): z.input<typeof searchHitSchema> {
  const { vector, lexical, context, relevance, importance, decay, similarity } = hit.breakdown;
  return {
    message_id: hit.messageId,
    conversation_id: hit.conversationId,
    role: hit.role,
    content: hit.content,
    metadata: hit.metadata,
    created_at: hit.createdAt.toISOString(),
    score: hit.score,
    similarity: similarity ?? null,
    decay,
    importance,
    breakdown: { vector, lexical, context, relevance },
  };
}
