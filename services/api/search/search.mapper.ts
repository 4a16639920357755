import type { z } from '@hono/zod-openapi';
import type { SearchFilter } from './filter/search-filter.ts';
import type { createSearchBodySchema, searchQuerySchema } from './search.schemas.ts';
import type { SearchRequest } from './search.ts';

interface Caller {
  readonly tenantId: string;
  readonly signal: AbortSignal;
}

type Query = z.output<typeof searchQuerySchema>;
type Body = z.output<ReturnType<typeof createSearchBodySchema>>;

export function fromQuery(query: Query, caller: Caller): SearchRequest {
  const filter = { ...commonFilter(query), metadata: undefined, where: undefined };
  return { ...caller, ...commonParts(query, {}), filter, source: 'query' };
}

export function fromBody(body: Body, caller: Caller): SearchRequest {
  const common = commonFilter(body);
  const filter: SearchFilter = {
    ...common,
    conversationIds: body.conversation_ids ?? common.conversationIds,
    roles: body.roles ?? common.roles,
    metadata: body.metadata,
    where: body.filter,
  };
  return { ...caller, ...commonParts(body, body.weights), filter, source: 'body' };
}

function commonFilter(asked: Query | Body): Omit<SearchFilter, 'metadata' | 'where'> {
  return {
    conversationIds: asked.conversation_id === undefined ? undefined : [asked.conversation_id],
    roles: asked.role === undefined ? undefined : [asked.role],
    createdAfter: asked.created_after,
    createdBefore: asked.created_before,
    importanceMin: asked.importance_min ?? asked.min_importance,
    importanceMax: asked.importance_max,
  };
}

function commonParts(asked: Query | Body, weights: Body['weights']) {
  return {
    query: asked.query,
    mode: asked.mode,
    topK: asked.top_k,
    candidateLimit: asked.candidate_limit,
    neighbours: asked.neighbours,
    rerank: asked.rerank,
    cursor: asked.cursor,
    ranking: {
      weights,
      decayMode: asked.decay_mode,
      halfLifeDays: asked.half_life_days,
      scoreMin: asked.score_min,
      similarityMin: asked.similarity_min,
      diversity: asked.diversity,
    },
  };
}
