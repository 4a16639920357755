import type { TenantPartitions } from '@memory-layer/shared/db/tenant-partitions.repository';
import type { QueryVector } from '../query/query-vectors.ts';
import type { DateReader } from '../query/date-terms.ts';
import { leastCandidates, type SearchPage } from '../query/page.ts';
import type { SearchText } from '../query/parse-query.ts';
import { instructionTerm } from '../../words/instruction.ts';
import { isAskingTerm, queryFormOf, type QueryForm } from '../query/query-form.ts';
import type { SearchMode, SearchRequest } from '../query/search-request.ts';
import { noTerms, type QueryTerms } from '../ranking/lexical-score.ts';
import { noSegments, type SegmentDirectory } from '../stats/segment-directory.ts';
import { scoredAtMost } from './lexical-plan.ts';
import type { LexicalIndex } from './lexical-query.ts';
import {
  comparesNewest,
  createSearchPlan,
  hasClauses,
  planTenant,
  type SearchPlan,
  type SearchPlanParts,
} from './search-plan.ts';

export interface SearchPlannerDeps {
  readonly lexicalIndex: LexicalIndex;
  readonly segments: SegmentDirectory;
  readonly partitions: Pick<TenantPartitions, 'get'>;
  readonly readDates: DateReader;
}

/** What a request asks for, once it is known how it can be searched. */
export interface AskedFor {
  readonly text: SearchText;
  readonly generation: number;
  readonly vector: QueryVector | undefined;
  /** By words alone when the query could not be embedded. */
  readonly mode: SearchMode;
}

export interface PlannedSearch {
  readonly plan: SearchPlan;
  /** The parts of the plan, for other plans that differ in one of them. */
  readonly parts: SearchPlanParts;
  /** What its words and dates weigh. */
  readonly terms: QueryTerms;
  readonly form: QueryForm;
  /** It has no words to score by, only what hits must have or must not. */
  readonly isWordless: boolean;
  /** The filter is compared with the newest messages alone. */
  readonly isPartial: boolean;
  /** Number of the best candidates that are ranked with their neighbours. */
  readonly neighbourhoods: number;
}

// A message, and two on each side of it.
const messagesAround = 5;

/** Looks up what is known of the tenant, mostly remembered: how rare its words are, and which vectors have an index. */
export async function planSearch(
  request: SearchRequest,
  page: SearchPage,
  { text, generation, vector, mode }: AskedFor,
  { lexicalIndex, segments, partitions, readDates }: SearchPlannerDeps,
): Promise<PlannedSearch> {
  const { tenantId } = request;
  const byWords = mode !== 'vector';
  const form = queryFormOf(text.words);
  const markers = form.asksForInstructions ? [instructionTerm] : [];
  const [lexical, known, partition] = await Promise.all([
    lexicalIndex.prepare(tenantId, text, { markers, signal: request.signal }),
    vector === undefined ? noSegments : segments.listReadySegments(tenantId, generation),
    partitions.get(tenantId),
  ]);
  const { similarityMin } = request.ranking;
  const similarity =
    similarityMin === undefined || vector === undefined
      ? undefined
      : { tenantId, generation, min: similarityMin, vector: vector.plain };
  const messages = known.segments.length > 0 ? Infinity : lexical.statistics.messages;
  const parts: SearchPlanParts = {
    tenant: planTenant(tenantId, { messages, partition }),
    generation,
    vector: vector?.centred,
    segments: known,
    lexical,
    byWords,
    // A page is filled however long messages are.
    limit: Math.max(leastCandidates(page), scoredAtMost(page.candidates, lexical.statistics)),
    filter: { ...request.filter, throughId: page.throughId, similarity },
    signal: request.signal,
  };
  const weights = [
    ...lexical.terms.map((term) => (term.isSaid || !isAskingTerm(term.term) ? term.weight : 0)),
    ...lexical.phrases.map(({ weight }) => weight),
  ];
  return {
    plan: createSearchPlan(parts),
    parts,
    terms: byWords ? { weights, dates: readDates(text.words) } : noTerms,
    form,
    isWordless: lexical.terms.length === 0 && hasClauses(lexical.clauses),
    isPartial: comparesNewest(parts),
    neighbourhoods: Math.ceil(scoredAtMost(page.neighbourhoods * messagesAround, lexical.statistics) / messagesAround),
  };
}
