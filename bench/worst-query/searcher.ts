import { hash } from 'node:crypto';
import type { Database } from '@memory-layer/shared/db/database';
import { TenantPartitions } from '@memory-layer/shared/db/tenant-partitions';
import { systemClock } from '@memory-layer/shared/lifecycle/clock';
import { createMetrics } from '@memory-layer/shared/observability/metrics';
import { createLogger } from '@memory-layer/shared/observability/logger';
import type { z } from 'zod';
import { createBaseVectors, dimension, generation, tenantId } from './large-tenant.ts';
import {
  createCandidateReader,
  createDateReader,
  createLexicalIndex,
  createReadySegmentsRepository,
  createSearchRepository,
  createSearchService,
  createSegmentDirectory,
  defaultWeights,
  fromBody,
  searchBodySchema,
  toResultBody,
} from './search-parts.ts';

/** Body of a search, as a client sends it; the tenant is known. */
export type SearchBody = z.input<typeof searchBodySchema>;

export type Searcher = ReturnType<typeof createSearcher>;

const onError = (error: unknown): void => console.error(error);

/** The search of the api over a database, but for HTTP and the model: a query's vector is made from its text. */
export function createSearcher(database: Database) {
  const repository = createSearchRepository(database);
  const directions = createBaseVectors();
  const service = createSearchService({
    repository,
    readCandidates: createCandidateReader({
      database,
      repository,
      replicas: undefined,
      createRepository: createSearchRepository,
    }),
    generations: { getActive: () => ({ generation, modelId: 'bench', dimension, queryCentre: undefined }) },
    queryVectors: {
      async find(text) {
        const number = hash('sha256', text, 'buffer').readUInt32LE() % directions.length;
        const vector = directions[number] ?? new Float32Array(dimension);
        return { generation, plain: vector, centred: vector };
      },
    },
    hitReranker: undefined,
    lexicalIndex: createLexicalIndex({ db: database.queries, clock: systemClock, onError }),
    segments: createSegmentDirectory({
      repository: createReadySegmentsRepository(database.queries),
      clock: systemClock,
      onError,
    }),
    partitions: new TenantPartitions(database.queries),
    readDates: createDateReader([]),
    weights: defaultWeights,
    halfLifeDays: 7,
    clock: systemClock,
    logger: createLogger({ level: 'silent', service: 'bench' }),
    metrics: createMetrics(),
  });
  return {
    /** @returns the answer; what the schema refuses is thrown, as a client would be told. */
    async search(body: SearchBody) {
      const parsed = searchBodySchema.parse({ ...body, tenant_id: tenantId });
      return toResultBody(await service.search(fromBody(parsed, { tenantId, signal: AbortSignal.timeout(600_000) })));
    },
  };
}
