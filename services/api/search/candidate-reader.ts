import type { ReadReplicas } from '../replica/read-replicas.ts';
import type { SearchedDatabase, SearchRepository } from './search.repository.ts';

/**
 * Runs what looks for candidates: all statements of one search on one database, which may be a replica that is a little
 * behind. What is shown of a hit is never read so: it comes from the primary.
 */
export type CandidateReader = <Result>(work: (repository: SearchRepository) => Promise<Result>) => Promise<Result>;

export interface CandidateReaderDeps {
  readonly database: SearchedDatabase;
  /** The repository over that database. */
  readonly repository: SearchRepository;
  readonly replicas: Pick<ReadReplicas, 'read'> | undefined;
  /** Makes the repository of a replica; once for each pool of connections. */
  readonly createRepository: (database: SearchedDatabase) => SearchRepository;
}

export function createCandidateReader(deps: CandidateReaderDeps): CandidateReader {
  const { database, repository, replicas, createRepository } = deps;
  if (replicas === undefined) return (work) => work(repository);
  const known = new WeakMap<SearchedDatabase, SearchRepository>([[database, repository]]);

  function repositoryOf(searched: SearchedDatabase): SearchRepository {
    const made = known.get(searched) ?? createRepository(searched);
    known.set(searched, made);
    return made;
  }

  return (work) => replicas.read((searched) => work(repositoryOf(searched)));
}
