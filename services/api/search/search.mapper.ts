import type { z } from '@hono/zod-openapi';
import { jsonList, jsonObject, takeWhileFits, type AnswerBudget, type JsonPiece } from '../http/json-answer.ts';
import type { SearchHit, SearchResult } from './hits/hit-reader.ts';
import { toSearchText } from './query/parse-query.ts';
import type { SearchFilter, SearchRequest } from './query/search-request.ts';
import type { neighbourSchema, searchHitSchema, searchResponseSchema } from './search-answer.schemas.ts';
import { defaultGroupSize, type createSearchBodySchema, type searchQuerySchema } from './search.schemas.ts';

interface Caller {
  readonly tenantId: string;
  readonly signal: AbortSignal;
}

type Query = z.output<typeof searchQuerySchema>;
type Body = z.output<ReturnType<typeof createSearchBodySchema>>;

export function fromQuery(query: Query, caller: Caller): SearchRequest {
  const filter = { ...commonFilter(query), metadata: undefined, where: undefined };
  return { ...caller, ...commonParts(query, { weights: {} }, {}), vector: undefined, filter, source: 'query' };
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
  const vector = body.vector === null ? undefined : Float32Array.from(body.vector);
  return { ...caller, ...commonParts(body, body, body), vector, filter, source: 'body' };
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

type Weighing = Pick<Body, 'weights'> & Partial<Pick<Body, 'role_weights'>>;
type Clauses = Partial<Pick<Body, 'must' | 'must_not' | 'phrases'>>;

function commonParts(asked: Query | Body, weighing: Weighing, clauses: Clauses) {
  const { must = [], must_not: mustNot = [], phrases = [] } = clauses;
  return {
    query: asked.query,
    text: toSearchText({ query: asked.query, syntax: asked.query_syntax, must, mustNot, phrases }),
    mode: asked.mode,
    topK: asked.top_k,
    candidateLimit: asked.candidate_limit,
    neighbours: asked.neighbours,
    groupSize: asked.group_size ?? (asked.group_by === undefined ? undefined : defaultGroupSize),
    rerank: asked.rerank,
    collapse: asked.collapse,
    referenceTime: asked.reference_time === undefined ? undefined : new Date(asked.reference_time),
    timeZone: asked.timezone,
    cursor: asked.cursor,
    ranking: {
      weights: weighing.weights,
      roleWeights: weighing.role_weights,
      decayMode: asked.decay_mode,
      halfLifeDays: asked.half_life_days,
      scoreMin: asked.score_min,
      minConfidence: asked.min_confidence,
      similarityMin: asked.similarity_min,
      diversity: asked.diversity,
    },
  };
}

type ShownNeighbours = NonNullable<SearchHit['neighbours']>;
type ShownNeighbour = ShownNeighbours['before'][number];
type HitBody = z.input<typeof searchHitSchema>;
type ResultBody = z.input<typeof searchResponseSchema>;

/** The answer to a search as JSON, as much of it as fits: the hits first, then what stands around them. */
export async function toResultJson(result: SearchResult, budget: AnswerBudget): Promise<JsonPiece[]> {
  const bodies = await takeWhileFits(result.hits, toHitBody, budget);
  const hits = result.hits.slice(0, bodies.length);
  const { items, truncated } = await withNeighbours(hits, bodies, budget);
  const isCut = hits.length < result.hits.length;
  const exhausted = result.exhausted && !isCut;
  const groups = result.isGrouped ? groupsOf(hits) : undefined;
  const envelope: Omit<ResultBody, 'items'> = {
    total: hits.length,
    degraded: result.degraded,
    reranked: result.reranked,
    ...(groups !== undefined && { groups }),
    ...(result.time !== undefined && { time: toTimeBody(result.time) }),
    truncated: result.truncated || isCut || truncated,
    next_cursor: exhausted || result.isGrouped ? null : (result.cursorAfter(hits.length) ?? null),
    exhausted,
  };
  return jsonObject(envelope, { items: jsonList(items) });
}

/** The conversations of grouped hits, in their order. */
function groupsOf(hits: readonly SearchHit[]): NonNullable<ResultBody['groups']> {
  return [...Map.groupBy(hits, ({ conversationId }) => conversationId)].map(([conversationId, own]) => ({
    conversation_id: conversationId,
    score: Math.max(...own.map(({ score }) => score)),
    message_ids: own.map(({ messageId }) => messageId),
  }));
}

function toTimeBody({ from, to, text }: NonNullable<SearchResult['time']>): NonNullable<ResultBody['time']> {
  return { from: from.toISOString(), to: to.toISOString(), text };
}

interface WithNeighbours {
  readonly items: readonly (readonly JsonPiece[])[];
  readonly truncated: boolean;
}

/** The hits with their neighbours, the nearest of each hit first; then what stands further off, as far as it fits. */
async function withNeighbours(
  hits: readonly SearchHit[],
  bodies: readonly JsonPiece[],
  budget: AnswerBudget,
): Promise<WithNeighbours> {
  const around = hits.map(({ neighbours }) => neighbours && toSides(neighbours));
  const sides = around.flatMap((own) => (own === undefined ? [] : [own.before, own.after]));
  const written = new Map<string, JsonPiece>();
  for (let at = 0; sides.some((side) => isOpen(side, at)); at += 1) {
    for (const side of sides) {
      const neighbour = isOpen(side, at) ? side.outwards[at] : undefined;
      if (neighbour === undefined) continue;
      const piece = await takeNeighbour(neighbour, written, budget);
      if (piece !== undefined) side.taken.push(piece);
    }
  }
  const items = bodies.map((body, n) => {
    const own = around[n];
    return own === undefined ? [body] : [withoutBrace(body), ',"neighbours":', ...sidesJson(own), '}'];
  });
  return { items, truncated: around.some((own) => own !== undefined && isTruncated(own)) };
}

/** What stands on one side of a hit, the nearest first, and what of it is in the answer. */
interface Side {
  readonly outwards: readonly ShownNeighbour[];
  readonly taken: JsonPiece[];
}

interface Sides {
  readonly before: Side;
  readonly after: Side;
  /** There were more than could be read. */
  readonly truncated: boolean;
}

function toSides({ before, after, truncated }: ShownNeighbours): Sides {
  return {
    before: { outwards: before.toReversed(), taken: [] },
    after: { outwards: after, taken: [] },
    truncated,
  };
}

/** Nothing is left out between a hit and what is shown around it. */
function isOpen({ outwards, taken }: Side, at: number): boolean {
  return at < outwards.length && taken.length === at;
}

function isTruncated({ before, after, truncated }: Sides): boolean {
  return truncated || [before, after].some(({ outwards, taken }) => taken.length < outwards.length);
}

/** A message beside several hits is serialised once. */
async function takeNeighbour(
  neighbour: ShownNeighbour,
  written: Map<string, JsonPiece>,
  budget: AnswerBudget,
): Promise<JsonPiece | undefined> {
  const known = written.get(neighbour.messageId);
  if (known !== undefined) return budget.takeAgain(known) ? known : undefined;
  const piece = await budget.take(toNeighbourBody(neighbour));
  if (piece !== undefined) written.set(neighbour.messageId, piece);
  return piece;
}

function sidesJson(sides: Sides): JsonPiece[] {
  const { before, after } = sides;
  const members = { before: jsonList(before.taken.toReversed()), after: jsonList(after.taken) };
  return jsonObject({ truncated: isTruncated(sides) }, members);
}

function withoutBrace(piece: JsonPiece): JsonPiece {
  return typeof piece === 'string' ? piece.slice(0, -1) : piece.subarray(0, -1);
}

function toHitBody(hit: SearchHit): Omit<HitBody, 'neighbours'> {
  const { importance, decay, rerank, similarity: _, echo, confidence, ...parts } = hit.breakdown;
  const similarity = hit.breakdown.similarity ?? null;
  return {
    message_id: hit.messageId,
    conversation_id: hit.conversationId,
    role: hit.role,
    content: hit.content,
    metadata: hit.metadata,
    created_at: hit.createdAt,
    score: hit.score,
    confidence,
    similarity,
    decay,
    importance,
    duplicates: hit.duplicates,
    breakdown: {
      similarity,
      ...parts,
      importance,
      decay,
      ...(echo && { echo }),
      ...(rerank !== undefined && { rerank }),
      score: hit.score,
    },
  };
}

function toNeighbourBody(neighbour: ShownNeighbour): z.input<typeof neighbourSchema> {
  return {
    message_id: neighbour.messageId,
    role: neighbour.role,
    content: neighbour.content,
    metadata: neighbour.metadata,
    created_at: neighbour.createdAt,
  };
}
