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
import { createCandidateReader } from './search/candidate-reader.ts';
import { createTenantIndexRepository } from './search/in-memory/tenant-index.repository.ts';
import { TenantIndexes } from './search/in-memory/tenant-indexes.ts';
import { QueryVectors } from './search/query/query-vectors.ts';
import { createHitReranker } from './search/hits/hit-reranker.ts';
import { createLexicalIndex } from './search/plan/lexical-query.ts';
import { createDateReader, localesOf } from './search/query/date-terms.ts';
import { createTimeReader } from './search/query/time-words.ts';
import { createSearchService, type SearchService } from './search/search.service.ts';
import { createSearchRepository } from './search/sql/search.repository.ts';
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

/** The search with its caches. Stop `indexes` after the last search. */
export function composeSearch(
  config: ApiConfig,
  { database, replicas, queryEmbedder, reranker, clock, logger, metrics }: SearchResources,
  { generations, partitions }: { readonly generations: GenerationService; readonly partitions: TenantPartitions },
): { readonly search: SearchService; readonly indexes: TenantIndexes } {
  const db = database.queries;
  const repository = createSearchRepository(database);
  const locales = localesOf(config.searchLanguage);
  const indexes = new TenantIndexes({
    repository: createTenantIndexRepository(database),
    clock,
    maxBytes: config.searchIndexBytes,
    dimension: () => generations.getActive().dimension,
    onError: (error) => logger.warn({ err: error }, 'tenant not read into memory: the database is searched'),
  });
  const search = createSearchService({
    repository,
    readCandidates: createCandidateReader({
      database,
      repository,
      replicas,
      createRepository: createSearchRepository,
      indexes,
      metrics,
    }),
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
  return { search, indexes };
}
