import type { TenantPartitions } from '../sql/tenant-partitions.repository.ts';
import type { QueryVector } from '../query/query-vectors.ts';
import type { LexicalIndex } from '../lexical/lexical-index.ts';
import type { SearchText } from '../lexical/search-text.ts';
import type { SearchPage } from '../page/search-page.ts';
import type { DateReader } from '../ranking/date-terms.ts';
import { noTerms, type QueryTerms } from '../ranking/lexical-score.ts';
import { wordsOf } from '../ranking/speaker.ts';
import type { SearchMode, SearchRequest } from '../search.ts';
import { tenantInSql } from '../tenant-in-sql.ts';
import { noSegments } from '../vector/ready-segments.ts';
import type { SegmentDirectory } from '../vector/segment-directory.ts';
import type { CandidateQuery } from './candidate-query.ts';
import { comparesNewest } from './eligible-messages.ts';

export interface QueryPreparation {
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

export interface PreparedQuery {
  readonly query: CandidateQuery;
  /** What its words and dates weigh. */
  readonly terms: QueryTerms;
  readonly queryWords: ReadonlySet<string>;
  /** It has no words to score by, only what hits must have or must not. */
  readonly isWordless: boolean;
  /** The filter is compared with the newest messages alone. */
  readonly isPartial: boolean;
}

/** Looks up what is known of the tenant, mostly remembered: how rare its words are, and which vectors have an index. */
export async function prepareQuery(
  request: SearchRequest,
  page: SearchPage,
  { text, generation, vector, mode }: AskedFor,
  { lexicalIndex, segments, partitions, readDates }: QueryPreparation,
): Promise<PreparedQuery> {
  const { tenantId } = request;
  const byWords = mode !== 'vector';
  const [lexical, known, partition] = await Promise.all([
    lexicalIndex.prepare(tenantId, text, request.signal),
    vector === undefined ? noSegments : segments.listReadySegments(tenantId, generation),
    partitions.get(tenantId),
  ]);
  const { similarityMin } = request.ranking;
  const similarity =
    similarityMin === undefined || vector === undefined
      ? undefined
      : { tenantId, generation, min: similarityMin, vector: vector.plain };
  const messages = known.segments.length > 0 ? Infinity : lexical.tenantMessages;
  const query: CandidateQuery = {
    tenantId,
    tenant: tenantInSql(tenantId, { messages, partition }),
    generation,
    vector: vector?.centred,
    segments: known,
    lexical,
    byWords,
    limit: page.candidates,
    filter: { ...request.filter, throughId: page.throughId, similarity },
    signal: request.signal,
  };
  const terms = byWords ? { weights: lexical.termWeights, dates: readDates(text.words) } : noTerms;
  const isWordless = !lexical.hasWords && lexical.mustMatch('m') !== undefined;
  return { query, terms, queryWords: new Set(wordsOf(text.words)), isWordless, isPartial: comparesNewest(query) };
}
