import type { Database } from '@memory-layer/shared/db/database';
import type { Embedder } from '@memory-layer/shared/embedding/embedder';
import type { GenerationService } from '@memory-layer/shared/generation/generation.service';
import type { Clock } from '@memory-layer/shared/lifecycle/clock';
import type { Logger } from '@memory-layer/shared/observability/logger';
import type { Metrics } from '@memory-layer/shared/observability/metrics';
import type { ApiConfig } from './config.ts';
import type { ReadReplicas } from './replica/read-replicas.ts';
import type { Reranker } from './search/reranker/reranker.ts';
import type { TenantPartitions } from '@memory-layer/shared/db/tenant-partitions.repository';
import { QueryVectors } from './search/query/query-vectors.ts';
import { createHitReranker } from './search/hits/hit-reranker.ts';
import { createLexicalIndex } from './search/plan/lexical-query.ts';
import { createDateReader, localesOf } from './search/query/date-terms.ts';
import { createTimeReader } from './search/query/time-words.ts';
import { createSearchService, type SearchService } from './search/search.service.ts';
import { createCandidateReader, createSearchRepository } from './search/sql/search.repository.ts';
import { createLexicalRepository } from './search/stats/lexical.repository.ts';
import { createReadySegmentsRepository } from './search/stats/ready-segments.repository.ts';
import { createSegmentDirectory } from './search/stats/segment-directory.ts';

export interface SearchResources {
  readonly database: Database;
  readonly replicas: ReadReplicas | undefined;
  readonly queryEmbedder: Embedder;
  readonly reranker: Reranker | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** The search with its caches. */
export function composeSearch(
  config: ApiConfig,
  { database, replicas, queryEmbedder, reranker, clock, logger, metrics }: SearchResources,
  { generations, partitions }: { readonly generations: GenerationService; readonly partitions: TenantPartitions },
): SearchService {
  const db = database.queries;
  const repository = createSearchRepository(database);
  const locales = localesOf(config.searchLanguage);
  return createSearchService({
    repository,
    readCandidates: createCandidateReader({ database, repository, replicas, createRepository: createSearchRepository }),
    generations,
    hitReranker: reranker && createHitReranker({ reranker, ...config.rerank, logger, metrics }),
    queryVectors: new QueryVectors({ embedder: queryEmbedder, generations, ...config.queryVectors, metrics }),
    lexicalIndex: createLexicalIndex({
      repository: createLexicalRepository(db),
      clock,
      onError: (error) => logger.warn({ err: error }, 'statistics of words not renewed: using older ones'),
    }),
    segments: createSegmentDirectory({
      repository: createReadySegmentsRepository(db),
      clock,
      onError: (error) => logger.warn({ err: error }, 'segments of vectors not renewed: using older ones'),
    }),
    partitions,
    readDates: createDateReader(locales),
    readTime: createTimeReader(locales),
    weights: config.rankingWeights,
    halfLifeDays: config.decayHalfLifeDays,
    clock,
    logger,
    metrics,
  });
}
