import { requestLimits } from '../../cost/request-cost.ts';
import { countValues, isIndexed, unindexedConditions } from '../query/metadata-filter.ts';
import { defaultCandidateLimit, type SearchFilter } from '../query/search-request.ts';
import type { ReadySegments } from '../stats/segment-directory.ts';
import { expectedMatches, planWords, type LexicalPlan } from './lexical-plan.ts';
import type { Clauses, LexicalQuery } from './lexical-query.ts';
import { affordableMessages, planNearest, type VectorPlan } from './vector-plan.ts';

/** How candidates are looked for: all that `sql/` needs to write the statements of a search. */
export interface SearchPlan {
  readonly tenant: PlannedTenant;
  readonly generation: number;
  /** Undefined: by words alone. */
  readonly vector: VectorPlan | undefined;
  /** Undefined in the mode `vector`: words find nothing and score nothing. */
  readonly words: LexicalPlan | undefined;
  readonly clauses: Clauses;
  readonly filter: CandidateFilter;
  /** Messages that pass the filter are looked up first, for both sides. */
  readonly eligible: EligiblePlan | undefined;
  /** Candidates from each side. */
  readonly limit: number;
  /** Its statements have the same text as others', and a generic plan is right whatever the parameters are. */
  readonly isPreparable: boolean;
  /** Cancels the statements of the search. */
  readonly signal: AbortSignal | undefined;
}

export interface PlannedTenant {
  readonly id: string;
  /** Written out in statements instead of being a parameter. */
  readonly isLiteral: boolean;
  /** Where its rows are; undefined: looked for in all partitions. */
  readonly partition: number | undefined;
}

/** A filter with what the rest of the request adds to it. */
export interface CandidateFilter extends SearchFilter {
  /** Messages with a greater id came after the first page. */
  readonly throughId: string | undefined;
  readonly similarity: SimilarityThreshold | undefined;
}

/** A message passes when one of its vectors does; so one without vectors does not. */
export interface SimilarityThreshold {
  readonly tenantId: string;
  readonly generation: number;
  /** Cosine similarity, -1 to 1, to the plain query vector. */
  readonly min: number;
  readonly vector: Float32Array;
}

/**
 * Messages that pass a filter, looked up once for both sides of a search. Where they are few, both compare just them;
 * where they are not, each side comes by enough of them on its own way.
 */
export interface EligiblePlan {
  /** No more are looked up: of more, the graphs find enough that pass. */
  readonly most: number;
  /** Of more, enough are found by their words. */
  readonly mostByWords: number;
  /** A sample tells first whether so many pass that the graphs are the better way. */
  readonly isSampled: boolean;
  /** Only so many of the newest messages are compared with the filter; undefined: all. */
  readonly newest: number | undefined;
  /** An index is asked for each value of a long list; else each message is compared with all of them. */
  readonly asksForEachValue: boolean;
}

/** How many messages are few. */
export interface FewMessages {
  /** Of more than these enough are found by their words soon. */
  readonly byWords: number;
  /** More are found soon by the graphs, however many hits are wanted. */
  readonly byVector: number;
  /** Messages that a filter is compared with that no index serves: the newest ones. */
  readonly compared: number;
}

export const fewMessages: FewMessages = {
  byWords: 5000,
  byVector: 20_000,
  compared: requestLimits.comparedMessages,
};

// An index finds what has one of them, and compares it with all of them in no time.
const cheapValues = 8;
// Comparing with more values takes so long that even a small tenant's messages are compared once, not once for each side.
const manyValues = 16;
// From so many messages on, a plan made for any tenant may be a bad one.
const largeTenant = 5000;

export interface SearchPlanParts {
  readonly tenant: PlannedTenant;
  readonly generation: number;
  /** Centred query vector; undefined searches by words alone. */
  readonly vector: Float32Array | undefined;
  readonly segments: ReadySegments;
  readonly lexical: LexicalQuery;
  /** False in the mode `vector`: words are required and excluded, but find nothing and score nothing. */
  readonly byWords: boolean;
  readonly limit: number;
  readonly filter: CandidateFilter;
  readonly signal?: AbortSignal;
}

export function createSearchPlan(parts: SearchPlanParts, few: FewMessages = fewMessages): SearchPlan {
  const { tenant, generation, lexical, byWords, limit, filter, signal } = parts;
  const vector = planVector(parts);
  return {
    tenant,
    generation,
    vector,
    words: byWords ? planWords(lexical, limit) : undefined,
    clauses: lexical.clauses,
    filter,
    eligible: planEligible(parts, vector, few),
    limit,
    isPreparable: isPreparable(parts),
    signal,
  };
}

/**
 * A large tenant is written out: then a generic plan is made for its size and uses the indexes that it has for itself.
 * Others are a parameter, so that all of a partition share one plan.
 *
 * @param messages of the tenant, about; Infinity where it has indexes of its own.
 */
export function planTenant(
  id: string,
  { messages, partition }: { messages: number; partition?: number },
): PlannedTenant {
  return { id, isLiteral: messages >= largeTenant, partition };
}

export function hasClauses({ must, mustNot }: Clauses): boolean {
  return must.length > 0 || mustNot.length > 0;
}

/** Whether metadata is filtered, so that `message` has to be read. */
export function filtersMetadata(filter: SearchFilter): boolean {
  return filter.metadata !== undefined || filter.where !== undefined;
}

/** Whether columns that `embedding` has, too, are filtered on. */
export function filtersColumns(filter: CandidateFilter): boolean {
  const { metadata: _, where: __, ...columns } = filter;
  return Object.values(columns).some((value) => value !== undefined);
}

/** Whether the tenant has more messages than the filter is compared with, so that older ones that pass may be missed. */
export function comparesNewest({ filter, lexical }: SearchPlanParts, few: FewMessages = fewMessages): boolean {
  const { where, metadata } = filter;
  if (where === undefined || isIndexed(where) || lexical.statistics.messages <= few.compared) return false;
  const isContained = metadata !== undefined && Object.keys(metadata).length > 0;
  return unindexedConditions(where) > 0 && !isContained;
}

/** A filter wants a plan of its own, and an unusual limit is not asked for again. */
function isPreparable({ filter, lexical, byWords, limit }: SearchPlanParts): boolean {
  const isPlain =
    !(byWords && lexical.phrases.length > 0) &&
    !hasClauses(lexical.clauses) &&
    Object.values(filter).every((value) => value === undefined);
  return isPlain && limit === defaultCandidateLimit;
}

function planVector({ vector, segments, lexical, limit, filter }: SearchPlanParts): VectorPlan | undefined {
  if (vector === undefined) return undefined;
  const isJoined = filtersMetadata(filter) || hasClauses(lexical.clauses);
  const isFiltered = filtersColumns(filter) || isJoined;
  return { query: vector, segments, graphs: planNearest(segments, { limit, isJoined, isFiltered }) };
}

/**
 * Undefined when it is not worth it: for a filter that indexes answer, for a small tenant, and when fewer messages have
 * the words than would be looked at for the filter.
 */
function planEligible(
  parts: SearchPlanParts,
  vector: VectorPlan | undefined,
  few: FewMessages,
): EligiblePlan | undefined {
  const { terms, statistics } = parts.lexical;
  const { filter } = parts;
  const isLong = filter.where !== undefined && countValues(filter.where) > manyValues;
  const isSmall = statistics.messages <= few.byWords;
  if (!isCostly(filter) || (isSmall && !isLong)) return undefined;
  if (vector === undefined && terms.length > 0 && expectedMatches(terms, statistics) <= few.byWords) return undefined;
  const affordable = vector?.graphs === undefined ? 0 : affordableMessages(vector.segments, vector.graphs);
  return {
    most: Math.max(few.byWords, Math.min(affordable, few.byVector)),
    mostByWords: few.byWords,
    isSampled: vector?.graphs !== undefined,
    newest: comparesNewest(parts, few) ? few.compared : undefined,
    asksForEachValue: !isSmall,
  };
}

/** Whether comparing a message with the filter costs so much that it should be done once. */
function isCostly({ where, similarity }: CandidateFilter): boolean {
  if (similarity !== undefined) return true;
  return where !== undefined && (unindexedConditions(where) > 0 || countValues(where) > cheapValues);
}
