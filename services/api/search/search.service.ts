import { searchDefaults } from '@memory-layer/shared/embedding/known-models';
import { AppError } from '@memory-layer/shared/errors/app-error';
import type { GenerationService } from '@memory-layer/shared/generation/generation.service';
import type { Clock } from '@memory-layer/shared/lifecycle/clock';
import type { Logger } from '@memory-layer/shared/observability/logger';
import type { Metrics } from '@memory-layer/shared/observability/metrics';
import type { QueryVector, QueryVectors } from './query/query-vectors.ts';
import type { GiveWay } from '../cost/give-way.ts';
import { requestLimits } from '../cost/request-cost.ts';
import { findAndRank } from './find-and-rank.ts';
import { createHitReader, wantsReranking, type HitReaderDeps, type SearchResult } from './hits/hit-reader.ts';
import { planSearch, type SearchPlannerDeps } from './plan/search-planner.ts';
import { isShown, openPage } from './query/page.ts';
import { latinShareOf } from './query/query-form.ts';
import { invalidField, type SearchRequest } from './query/search-request.ts';
import type { TimeReader } from './query/time-words.ts';
import { groupByConversation } from './ranking/group.ts';
import type { FoundHits } from './ranking/collapse.ts';
import { chooseRanking, type RankingDefaults } from './ranking/weights.ts';
import type { CandidateReader } from './candidate-reader.ts';

export interface SearchServiceDeps extends RankingDefaults, SearchPlannerDeps, HitReaderDeps {
  readonly readCandidates: CandidateReader;
  readonly generations: Pick<GenerationService, 'getActive'>;
  readonly queryVectors: Pick<QueryVectors, 'find' | 'from'>;
  readonly readTime: TimeReader;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

const nothing: FoundHits = { ranked: [], repeatIds: [], isFull: false };

export type SearchService = ReturnType<typeof createSearchService>;

export function createSearchService(deps: SearchServiceDeps) {
  const { readCandidates, generations, metrics } = deps;
  const readHits = createHitReader(deps);

  /** The query's vector; undefined when words alone are asked for, or the embedder cannot give one right now. */
  async function findVector(request: SearchRequest): Promise<QueryVector | undefined> {
    const { mode, vector, text, signal } = request;
    if (mode === 'lexical') return undefined;
    try {
      if (vector !== undefined) return await deps.queryVectors.from(vector);
      // Nothing but exclusions is no meaning either: then the text is embedded as it is.
      return await deps.queryVectors.find(text.words || request.query, signal);
    } catch (error) {
      if (!isEmbeddingFailure(error)) throw error;
      deps.logger.warn({ err: error }, 'query not embedded: answering by words');
      return undefined;
    }
  }

  return {
    /**
     * Finds by meaning and by words. Answers by words alone, and says so, when the query cannot be embedded.
     *
     * @throws AppError `invalid_request` for a cursor of another search, weights that leave nothing to rank by, more
     * required and excluded words than are taken, or a wish to rerank where that is not configured.
     * @param giveWay between its statements.
     */
    async search(request: SearchRequest, giveWay: GiveWay = () => Promise.resolve()): Promise<SearchResult> {
      const stopTimer = metrics.searchSeconds.startTimer({ mode: request.mode });
      if (request.rerank === true && deps.hitReranker === undefined) {
        throw invalidField(request.source, 'rerank', 'needs a reranker, and none is configured');
      }
      const page = openPage(request, deps.clock.now());
      const active = generations.getActive();
      const model = searchDefaults(active.modelId);
      const ranking = chooseRanking(request, deps, model);
      const { text } = request;
      checkDimension(request, active.dimension);
      const vector = await findVector(request);
      const degraded = request.mode !== 'lexical' && vector === undefined;
      const mode = degraded ? 'lexical' : request.mode;
      const { generation } = vector ?? active;
      const planned = await planSearch(request, page, { text, generation, vector, mode }, deps);
      const { plan } = planned;
      if (plan.clauses.words > requestLimits.queryClauseWords) {
        const limit = `at most ${requestLimits.queryClauseWords} are taken`;
        const isOfQuery = text.required.every((clause) => request.query.includes(clause));
        throw invalidField(
          request.source,
          isOfQuery ? 'query' : 'must',
          `requires and excludes ${plan.clauses.words} words in all: ${limit}`,
        );
      }
      // No similarity is known without a vector, so none is high enough.
      const findsNothing = degraded && request.ranking.similarityMin !== undefined;
      const { timeZone } = request;
      const time = deps.readTime(text.words, { now: request.referenceTime ?? page.now, timeZone });
      const { size } = page;
      const reranked = wantsReranking(request) ? (deps.hitReranker?.candidates ?? 0) : 0;
      const options = {
        ...ranking,
        ...planned,
        readableShare: model.isLatinOnly === true ? latinShareOf(text.words) : 1,
        mode,
        now: page.now,
        query: text.words,
        time,
        count: page.shown.size + size,
        wanted: page.shown.size + Math.max(size, reranked),
        isGrouped: request.groupSize !== undefined,
        collapse: request.collapse,
        isShown: (id: string) => isShown(id, page),
        giveWay,
      };
      const found = findsNothing ? nothing : await findAndRank(readCandidates, planned, options);
      const { groupSize, topK } = request;
      const ranked =
        groupSize === undefined ? found.ranked : groupByConversation(found.ranked, { groups: topK, size: groupSize });
      const isCut = ranked.length < found.ranked.length || (groupSize !== undefined && found.isFull);
      const result = await readHits(request, page, {
        ...found,
        ranked,
        text: text.words || request.query,
        vector: vector?.plain,
        plan,
        weights: ranking.weights,
        isPartial: planned.isPartial || isCut,
      });
      metrics.searches.inc({ mode: request.mode, degraded: String(degraded) });
      metrics.searchResults.observe(result.hits.length);
      stopTimer();
      return { ...result, degraded, time, isGrouped: groupSize !== undefined };
    },
  };
}

function checkDimension({ vector, source }: SearchRequest, dimension: number): void {
  if (vector === undefined || vector.length === dimension) return;
  throw invalidField(source, 'vector', `has ${vector.length} components: those of the model have ${dimension}`);
}

function isEmbeddingFailure(error: unknown): boolean {
  return error instanceof AppError && (error.code === 'embedding_unavailable' || error.code === 'embedding_rejected');
}
