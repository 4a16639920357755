import type { Metrics } from '@memory-layer/shared/observability/metrics';
import type { ReadReplicas } from '../replica/read-replicas.ts';
import { InMemorySearch, isForIndex } from './in-memory/in-memory-search.ts';
import type { TenantIndex } from './in-memory/tenant-index.ts';
import type { TenantIndexes } from './in-memory/tenant-indexes.ts';
import type { SearchPlan } from './plan/search-plan.ts';
import type { SearchedDatabase, SearchRepository } from './sql/search.repository.ts';

/**
 * Runs what looks for candidates: all statements of one search on one database, which may be a replica that is a little
 * behind, or in memory. What is shown of a hit is never read so: it comes from the primary.
 */
export type CandidateReader = <Result>(
  plan: SearchPlan,
  work: (repository: SearchRepository) => Promise<Result>,
) => Promise<Result>;

export interface CandidateReaderDeps {
  readonly database: SearchedDatabase;
  /** The repository over that database. */
  readonly repository: SearchRepository;
  readonly replicas: Pick<ReadReplicas, 'read'> | undefined;
  /** Makes the repository of a replica; once for each pool of connections. */
  readonly createRepository: (database: SearchedDatabase) => SearchRepository;
  /** Undefined: the database is always asked. */
  readonly indexes: Pick<TenantIndexes, 'open' | 'discard'> | undefined;
  readonly metrics: Pick<Metrics, 'candidateSearches'>;
}

export function createCandidateReader(deps: CandidateReaderDeps): CandidateReader {
  const { database, repository, replicas, createRepository, indexes } = deps;
  const known = new WeakMap<SearchedDatabase, SearchRepository>([[database, repository]]);

  function repositoryOf(searched: SearchedDatabase): SearchRepository {
    const made = known.get(searched) ?? createRepository(searched);
    known.set(searched, made);
    return made;
  }

  return async (plan, work) => {
    const { tenant, generation, signal } = plan;
    const index =
      indexes !== undefined && isForIndex(plan)
        ? await indexes.open({ tenant: { ...tenant, isLiteral: false }, generation }, signal)
        : undefined;
    signal?.throwIfAborted();
    deps.metrics.candidateSearches.inc({ source: index === undefined ? 'database' : 'memory' });
    if (index !== undefined) {
      return work(inMemory(index, repository, (error) => indexes?.discard(index, error)));
    }
    if (replicas === undefined) return work(repository);
    return replicas.read((searched) => work(repositoryOf(searched)));
  };
}

/** The repository, which looks for candidates in an index as long as it is there. A fault of the index costs no search. */
function inMemory(
  index: TenantIndex,
  repository: SearchRepository,
  onFault: (error: unknown) => void,
): SearchRepository {
  const searches = new Map<SearchPlan, InMemorySearch>();

  function tryIndex<Found>(plan: SearchPlan, find: (search: InMemorySearch) => Found): Found | undefined {
    if (index.isClosed || !isForIndex(plan)) return undefined;
    try {
      const search = searches.get(plan) ?? new InMemorySearch(index, plan);
      searches.set(plan, search);
      return find(search);
    } catch (error) {
      onFault(error);
      return undefined;
    }
  }

  return {
    ...repository,
    findCandidates: async (plan) =>
      tryIndex(plan, (search) => search.findCandidates()) ?? repository.findCandidates(plan),
    findNeighbourhood: async (plan, ids) =>
      tryIndex(plan, (search) => search.findNeighbourhood(ids)) ?? repository.findNeighbourhood(plan, ids),
  };
}
