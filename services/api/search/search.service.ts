import { AppError } from '@memory-layer/shared/errors/app-error';
import type { GenerationService } from '@memory-layer/shared/generation/generation.service';
import type { Clock } from '@memory-layer/shared/lifecycle/clock';
import type { Logger } from '@memory-layer/shared/observability/logger';
import type { Metrics } from '@memory-layer/shared/observability/metrics';
import type { QueryVector, QueryVectors } from './query/query-vectors.ts';
import { requestLimits } from '../cost/request-cost.ts';
import type { CandidateReader } from './candidate-reader.ts';
import type { CandidateQuery } from './candidates/candidate-query.ts';
import { orderCandidates } from './candidates/order-candidates.ts';
import { prepareQuery, type QueryPreparation } from './candidates/prepare-query.ts';
import { currentRows } from './current-rows.ts';
import { closePage, openPage, unshown, type SearchPage } from './page/search-page.ts';
import { invalidField } from './invalid-field.ts';
import { parseSearchText } from './lexical/search-text.ts';
import { chooseRanking, type RankingDefaults } from './ranking/ranking-options.ts';
import type { RankedCandidate, RankingOptions } from './ranking/rank.ts';
import type { HitReranker } from './rerank/hit-reranker.ts';
import type { HitRow, SearchRepository, UnreadHitRow } from './search.repository.ts';
import type { SearchRequest, SearchResult } from './search.ts';
import type { RankingWeights } from './ranking/weights.ts';
import { toHit } from './shown/to-hit.ts';

export interface SearchServiceDeps extends RankingDefaults, QueryPreparation {
  /** For what is shown: always of the primary. */
  readonly repository: Pick<SearchRepository, 'getHits' | 'listNeighbours'>;
  readonly readCandidates: CandidateReader;
  readonly generations: Pick<GenerationService, 'getActive'>;
  readonly queryVectors: Pick<QueryVectors, 'find'>;
  /** Undefined: hits are not reranked. */
  readonly hitReranker: HitReranker | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export type SearchService = ReturnType<typeof createSearchService>;

export function createSearchService(deps: SearchServiceDeps) {
  const { repository, generations, metrics } = deps;

  /** The query's vector, or undefined when the embedder cannot give one right now. */
  async function tryEmbed(text: string, signal: AbortSignal): Promise<QueryVector | undefined> {
    try {
      return await deps.queryVectors.find(text, signal);
    } catch (error) {
      if (!isEmbeddingFailure(error)) throw error;
      deps.logger.warn({ err: error }, 'query not embedded: answering by words');
      return undefined;
    }
  }

  /** The page's hits as they are now, and how to go on. */
  async function show(
    request: SearchRequest,
    page: SearchPage,
    { text, query, ordered, vector, weights, isPartial }: Ordered,
  ): Promise<Omit<SearchResult, 'degraded'>> {
    const { tenantId, neighbours: count, signal } = request;
    const left = unshown(ordered, page);
    const reranker = wantsReranking(request) ? deps.hitReranker : undefined;
    const seen = Math.max(page.size, reranker?.candidates ?? 0);
    let maxBytes: number = requestLimits.answerBytes;
    const there = await currentRows(left, seen, async (ids) => {
      const rows = await repository.getHits(query, ids, vector?.plain, maxBytes);
      for (const row of rows) if (row.content !== null) maxBytes -= row.bytes;
      return rows;
    });
    const found = untilUnread(there);
    const asRanked = { hits: found, reranked: false };
    const { hits, reranked } = (await reranker?.rerank(found, { query: text, weights, signal })) ?? asRanked;
    const shown = hits.slice(0, page.size);
    const ids = shown.map(({ row }) => row.id);
    const asked = { tenantId, ids, count, maxBytes, signal };
    const neighbours = count > 0 ? await repository.listNeighbours(asked) : undefined;
    const truncated = found.length < Math.min(there.length, page.size);
    // All there is has been looked at, and fits.
    const seenAll = there.length < seen || there.at(-1)?.ranked === left.at(-1);
    const isEnd = found.length === there.length && there.length <= page.size && seenAll;
    return {
      hits: shown.map(({ ranked, row }) => toHit(ranked, row, neighbours?.get(row.id))),
      truncated,
      reranked,
      exhausted: isEnd && !isPartial,
      cursorAfter: (hitCount) =>
        isEnd && hitCount === shown.length
          ? undefined
          : closePage(request, page, ids.slice(0, hitCount), shown[0]?.row.newest_id),
    };
  }

  return {
    /**
     * Finds by meaning and by words. Answers by words alone, and says so, when the query cannot be embedded.
     *
     * @throws AppError `invalid_request` for a cursor of another search, weights that leave nothing to rank by, more
     * required and excluded words than are taken, or a wish to rerank where that is not configured.
     */
    async search(request: SearchRequest): Promise<SearchResult> {
      const stopTimer = metrics.searchSeconds.startTimer({ mode: request.mode });
      if (request.rerank === true && deps.hitReranker === undefined) {
        throw invalidField(request.source, 'rerank', 'needs a reranker, and none is configured');
      }
      const page = openPage(request, deps.clock.now());
      const ranking = chooseRanking(request, deps);
      const text = parseSearchText(request.query);
      // Nothing but exclusions is no meaning either: then the text is embedded as it is.
      const vector =
        request.mode === 'lexical' ? undefined : await tryEmbed(text.words || request.query, request.signal);
      const degraded = request.mode !== 'lexical' && vector === undefined;
      const mode = degraded ? 'lexical' : request.mode;
      const { generation } = vector ?? generations.getActive();
      const prepared = await prepareQuery(request, page, { text, generation, vector, mode }, deps);
      const { clauseWords } = prepared.query.lexical;
      if (clauseWords > requestLimits.queryClauseWords) {
        const limit = `at most ${requestLimits.queryClauseWords} are taken`;
        throw invalidField(request.source, 'query', `requires and excludes ${clauseWords} words in all: ${limit}`);
      }
      const options: RankingOptions = { ...ranking, ...prepared, mode, now: page.now };
      // No similarity is known without a vector, so none is high enough.
      const findsNothing = degraded && request.ranking.similarityMin !== undefined;
      const ordered = findsNothing
        ? []
        : await orderCandidates(deps.readCandidates, prepared.query, {
            ...options,
            neighbourhoods: page.neighbourhoods,
            count: page.shown.size + page.size,
          });
      const result = await show(request, page, {
        text: text.words || request.query,
        query: prepared.query,
        isPartial: prepared.isPartial,
        ordered,
        vector,
        weights: ranking.weights,
      });
      metrics.searches.inc({ mode: request.mode, degraded: String(degraded) });
      metrics.searchResults.observe(result.hits.length);
      stopTimer();
      return { ...result, degraded };
    },
  };
}

interface Ordered {
  /** The query without what it excludes. */
  readonly text: string;
  readonly query: CandidateQuery;
  readonly isPartial: boolean;
  readonly ordered: readonly RankedCandidate[];
  readonly vector: QueryVector | undefined;
  readonly weights: RankingWeights;
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

/** A reranker would undo the order of hits that are to differ: then it has to be asked for. */
function wantsReranking({ rerank, ranking }: SearchRequest): boolean {
  return rerank ?? ranking.diversity === 0;
}

function isEmbeddingFailure(error: unknown): boolean {
  return error instanceof AppError && (error.code === 'embedding_unavailable' || error.code === 'embedding_rejected');
}
