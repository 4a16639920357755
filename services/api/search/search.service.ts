import type { Embedder } from '@memory-layer/shared/embedding/embedder';
import { AppError } from '@memory-layer/shared/errors/app-error';
import type { GenerationService } from '@memory-layer/shared/generation/generation.service';
import type { Clock } from '@memory-layer/shared/lifecycle/clock';
import type { Logger } from '@memory-layer/shared/observability/logger';
import type { Metrics } from '@memory-layer/shared/observability/metrics';
import { embedQuery, type QueryVector } from './query-vector.ts';
import { fuseSides, rank, type Candidate, type RankedCandidate, type RankingWeights } from './ranking.ts';
import type { CandidateQuery, HitRow, SearchRepository } from './search.repository.ts';
import type { SearchHit, SearchMode, SearchRequest, SearchResult } from './search.ts';

export interface SearchServiceDeps {
  readonly repository: SearchRepository;
  readonly generations: GenerationService;
  /** Guarded by a timeout and a circuit breaker. */
  readonly queryEmbedder: Embedder;
  readonly weights: RankingWeights;
  readonly halfLifeDays: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

// Neighbours are looked up for the best candidates only: far-off ones do not become hits by their context.
const contextCandidates = 100;

export type SearchService = ReturnType<typeof createSearchService>;

export function createSearchService(deps: SearchServiceDeps) {
  const { repository, generations, metrics } = deps;

  /** The query's vector, or undefined when the embedder cannot give one right now. */
  async function tryEmbed(request: SearchRequest): Promise<QueryVector | undefined> {
    try {
      const { signal } = request;
      return await embedQuery(request.query, { embedder: deps.queryEmbedder, generations, signal });
    } catch (error) {
      if (!isEmbeddingFailure(error)) throw error;
      deps.logger.warn({ err: error }, 'query not embedded: answering by words');
      return undefined;
    }
  }

  async function rankCandidates(query: CandidateQuery, mode: SearchMode): Promise<RankedCandidate[]> {
    const found = await repository.findCandidates(query);
    const { neighbours, adjacency } = await repository.findNeighbours(query, bestIds(found, mode));
    const pool = withoutRepeats([...found, ...neighbours]);
    const { weights, halfLifeDays } = deps;
    return rank(pool, adjacency, { mode, weights, halfLifeDays, now: deps.clock.now() });
  }

  return {
    /** Finds by meaning and by words. Answers by words alone, and says so, when the query cannot be embedded. */
    async search(request: SearchRequest): Promise<SearchResult> {
      const stopTimer = metrics.searchSeconds.startTimer({ mode: request.mode });
      const vector = request.mode === 'lexical' ? undefined : await tryEmbed(request);
      const degraded = request.mode !== 'lexical' && vector === undefined;
      const mode = degraded ? 'lexical' : request.mode;
      const { generation } = generations.getActive();
      const query: CandidateQuery = {
        tenantId: request.tenantId,
        generation,
        vector: vector?.centred,
        text: mode === 'vector' ? undefined : request.query,
        limit: Math.max(request.candidateLimit, request.topK),
        filter: request.filter,
      };
      const best = (await rankCandidates(query, mode)).slice(0, request.topK);
      const ids = best.map((candidate) => candidate.id);
      const rows = await repository.getHits(request.tenantId, generation, ids, vector?.plain);
      const hits = toHits(best, rows);
      metrics.searches.inc({ mode: request.mode, degraded: String(degraded) });
      metrics.searchResults.observe(hits.length);
      stopTimer();
      return { hits, degraded };
    },
  };
}

function isEmbeddingFailure(error: unknown): boolean {
  return error instanceof AppError && (error.code === 'embedding_unavailable' || error.code === 'embedding_rejected');
}

function bestIds(candidates: readonly Candidate[], mode: SearchMode): string[] {
  return [...fuseSides(candidates, mode)]
    .toSorted(([, a], [, b]) => b.fused - a.fused)
    .slice(0, contextCandidates)
    .map(([id]) => id);
}

function withoutRepeats(candidates: readonly Candidate[]): Candidate[] {
  return [...new Map(candidates.map((candidate) => [candidate.id, candidate])).values()];
}

function toHits(ranked: readonly RankedCandidate[], rows: readonly HitRow[]): SearchHit[] {
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ranked.flatMap((candidate) => {
    const row = byId.get(candidate.id);
    if (row === undefined) return [];
    return {
      messageId: row.id,
      conversationId: row.conversation_id,
      role: row.role,
      content: row.content,
      metadata: row.metadata,
      createdAt: row.created_at,
      score: candidate.score,
      breakdown: { ...candidate.breakdown, similarity: row.similarity ?? undefined },
    };
  });
}
