import type { Database } from '@memory-layer/shared/db/database';
import type { ReadReplicas } from '@memory-layer/shared/db/replica/read-replicas';
import type { Schema } from '@memory-layer/shared/db/schema';
import type { Kysely } from 'kysely';
import type { SearchRepository } from './search.repository.ts';

/**
 * Runs what looks for candidates: all statements of one search on one database, which may be a replica that is a little
 * behind. What is shown of a hit is never read so: it comes from the primary.
 */
export type CandidateReader = <Result>(work: (repository: SearchRepository) => Promise<Result>) => Promise<Result>;

export interface CandidateReaderDeps {
  readonly database: Pick<Database, 'queries'>;
  /** The repository over that database. */
  readonly repository: SearchRepository;
  readonly replicas: Pick<ReadReplicas, 'read'> | undefined;
  /** Makes the repository of a replica; once for each pool of connections. */
  readonly createRepository: (db: Kysely<Schema>) => SearchRepository;
}

export function createCandidateReader(deps: CandidateReaderDeps): CandidateReader {
  const { database, repository, replicas, createRepository } = deps;
  if (replicas === undefined) return (work) => work(repository);
  const known = new WeakMap<Kysely<Schema>, SearchRepository>([[database.queries, repository]]);

  function repositoryOf(db: Kysely<Schema>): SearchRepository {
    const made = known.get(db) ?? createRepository(db);
    known.set(db, made);
    return made;
  }

  return (work) => replicas.read((db) => work(repositoryOf(db)));
}
