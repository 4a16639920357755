import type { Role } from '@memory-layer/shared/db/schema';
import { instantFromColumn, type Instant } from '@memory-layer/shared/time/instant';
import { requestLimits } from '../../cost/request-cost.ts';
import type { SearchPlan } from '../plan/search-plan.ts';
import { closePage, isShown, type SearchPage } from '../query/page.ts';
import type { RankingWeights, SearchRequest } from '../query/search-request.ts';
import type { CollapsedCandidate, FoundHits } from '../ranking/collapse.ts';
import type { ScoreBreakdown } from '../ranking/rank.ts';
import type { NamedTime } from '../query/time-words.ts';
import type { HitRow, SearchRepository, ShownNeighbours, UnreadHitRow } from '../sql/search.repository.ts';
import type { HitReranker } from './hit-reranker.ts';

export interface SearchHit {
  readonly messageId: string;
  readonly conversationId: string;
  readonly role: Role;
  readonly content: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly createdAt: Instant;
  readonly score: number;
  readonly breakdown: ScoreBreakdown & {
    /** Cosine similarity of query and message as the model sees them, -1 to 1; means the same in every query. */
    readonly similarity: number | undefined;
  };
  /** Other candidates that say the same: they are not shown, on no page. */
  readonly duplicates: number;
  /** Undefined when none were asked for. */
  readonly neighbours: ShownNeighbours | undefined;
}

export interface SearchResult {
  /** Fewer than asked for when more would be too much for one answer. */
  readonly hits: readonly SearchHit[];
  /** They are fewer for that reason. */
  readonly truncated: boolean;
  /** The query could not be embedded: these hits were found by words alone. */
  readonly degraded: boolean;
  /** These hits are in the order of the reranker. */
  readonly reranked: boolean;
  /** The hits are grouped by their conversations. */
  readonly isGrouped: boolean;
  /** That the query names; undefined when it names none. */
  readonly time: NamedTime | undefined;
  /** Goes on after the first `count` of these hits; undefined at the end, and where pages reach no further. */
  readonly cursorAfter: (count: number) => string | undefined;
  /** Nothing else matches. False at the end too, when pages reach no further or not all messages were compared. */
  readonly exhausted: boolean;
}

export interface HitReaderDeps {
  /** Always of the primary. */
  readonly repository: Pick<SearchRepository, 'getHits' | 'listNeighbours'>;
  /** Undefined: hits are not reranked. */
  readonly hitReranker: HitReranker | undefined;
}

/** What a search has ranked, best first. */
export interface RankedSearch extends FoundHits {
  /** The query without what it excludes. */
  readonly text: string;
  /** The plain query vector, where there is one. */
  readonly vector: Float32Array | undefined;
  readonly plan: SearchPlan;
  readonly weights: RankingWeights;
  /** Not all messages were compared. */
  readonly isPartial: boolean;
}

export function createHitReader({ repository, hitReranker }: HitReaderDeps) {
  /** The page's hits as they are now, and how to go on. */
  return async function readHits(
    request: SearchRequest,
    page: SearchPage,
    { ranked, repeatIds, isFull, text, vector, plan, weights, isPartial }: RankedSearch,
  ): Promise<Omit<SearchResult, 'degraded' | 'time' | 'isGrouped'>> {
    const { tenantId, neighbours: count, signal } = request;
    const { partition } = plan.tenant;
    const left = ranked.filter(({ id }) => !isShown(id, page));
    const reranker = wantsReranking(request) ? hitReranker : undefined;
    const seen = Math.max(page.size, reranker?.candidates ?? 0);
    let maxBytes: number = requestLimits.answerBytes;
    const there = await currentRows(left, seen, async (ids) => {
      const rows = await repository.getHits(plan, ids, vector, maxBytes);
      for (const row of rows) if (row.content !== null) maxBytes -= row.bytes;
      return rows;
    });
    const found = untilUnread(there);
    const asRanked = { hits: found, reranked: false };
    const { hits, reranked } = (await reranker?.rerank(found, { query: text, weights, signal })) ?? asRanked;
    const shown = hits.slice(0, page.size);
    const ids = shown.map(({ row }) => row.id);
    const asked = { tenantId, partition, ids, count, maxBytes, signal };
    const neighbours = count > 0 ? await repository.listNeighbours(asked) : undefined;
    const truncated = found.length < Math.min(there.length, page.size);
    // All there is has been looked at, and fits.
    const seenAll = there.length < seen || there.at(-1)?.ranked === left.at(-1);
    // Where several are shown as one, others may match that they took the places of.
    const isCollapsed = repeatIds.length > 0 || left.some(({ duplicateIds }) => duplicateIds.length > 0);
    const seenMatching = seenAll && !(isCollapsed && isFull);
    const isEnd = found.length === there.length && there.length <= page.size && seenMatching;
    return {
      hits: shown.map((hit) => toHit(hit.ranked, hit.row, neighbours?.get(hit.row.id))),
      truncated,
      reranked,
      exhausted: isEnd && !isPartial,
      cursorAfter: (hitCount) =>
        isEnd && hitCount === shown.length
          ? undefined
          : closePage(
              request,
              page,
              [...repeatIds, ...shown.slice(0, hitCount).flatMap(withDuplicates)],
              shown[0]?.row.newest_id,
            ),
    };
  };
}

function withDuplicates({ ranked }: { readonly ranked: CollapsedCandidate }): string[] {
  return [ranked.id, ...ranked.duplicateIds];
}

interface WithId {
  readonly id: string;
}

/**
 * The rows of the best `count` of `ranked` that are still there, best first, each with what it was ranked as. Ranked was
 * what a moment ago, or a replica, knew; rows come from the primary, so that what was deleted meanwhile is never shown.
 * The next best take the places of those that are gone: fewer than `count` only when there are no more.
 *
 * @param getRows the rows of those ids that exist, in any order. Asked once when none is gone.
 */
export async function currentRows<Ranked extends WithId, Row extends WithId>(
  ranked: readonly Ranked[],
  count: number,
  getRows: (ids: readonly string[]) => Promise<readonly Row[]>,
): Promise<{ readonly ranked: Ranked; readonly row: Row }[]> {
  const found: { readonly ranked: Ranked; readonly row: Row }[] = [];
  for (let next = 0; found.length < count && next < ranked.length;) {
    const asked = ranked.slice(next, next + count - found.length);
    next += asked.length;
    const rows = new Map((await getRows(asked.map(({ id }) => id))).map((row) => [row.id, row]));
    for (const candidate of asked) {
      const row = rows.get(candidate.id);
      if (row !== undefined) found.push({ ranked: candidate, row });
    }
  }
  return found;
}

/** The best of them, up to the first that was too large to be read. */
function untilUnread<Ranked>(
  found: readonly { readonly ranked: Ranked; readonly row: HitRow | UnreadHitRow }[],
): { readonly ranked: Ranked; readonly row: HitRow }[] {
  const read: { readonly ranked: Ranked; readonly row: HitRow }[] = [];
  for (const { ranked, row } of found) {
    if (row.content === null) break;
    read.push({ ranked, row });
  }
  return read;
}

interface OrderChoices extends Pick<SearchRequest, 'rerank' | 'groupSize'> {
  readonly ranking: Pick<SearchRequest['ranking'], 'diversity'>;
}

/** A reranker would undo the order of hits that are to differ, or that are grouped: then it has to be asked for. */
export function wantsReranking({ rerank, ranking, groupSize }: OrderChoices): boolean {
  return rerank ?? (ranking.diversity === 0 && groupSize === undefined);
}

function toHit(ranked: CollapsedCandidate, row: HitRow, neighbours: ShownNeighbours | undefined): SearchHit {
  return {
    messageId: row.id,
    conversationId: row.conversation_id,
    role: row.role,
    content: row.content,
    metadata: row.metadata,
    createdAt: instantFromColumn(row.created_at),
    score: ranked.score,
    breakdown: { ...ranked.breakdown, similarity: row.similarity ?? undefined },
    duplicates: ranked.duplicateIds.length,
    neighbours,
  };
}
