import { sql, type Kysely } from 'kysely';
import { invalidConfiguration } from '../config/load-config.ts';
import type { Schema } from './schema.ts';

/** What a database server is. */
export interface ServerVersions {
  /** As in `server_version_num`: 150004 is 15.4. */
  readonly postgresNumber: number;
  readonly postgres: string;
  /** Of pgvector in this database; undefined before the first migration. */
  readonly vector: string | undefined;
  /** Of pgvector that the server could give it; undefined when it has none. */
  readonly availableVector: string | undefined;
}

const oldestPostgres = 15;
// The first that goes on through an index until a filtered search has enough (hnsw.iterative_scan).
const oldestVector = '0.8.0';
const soundVector = '0.8.4';

/**
 * Whether the server is new enough, and has pgvector.
 *
 * @returns a warning about a version that works, but has faults.
 * @throws ConfigError saying what the server lacks.
 */
export async function checkServer(db: Kysely<Schema>): Promise<string | undefined> {
  const versions = await readServerVersions(db);
  const problem = problemOf(versions);
  if (problem !== undefined) throw invalidConfiguration([`MEMORY_DATABASE_URL: ${problem}`]);
  return warningOf(versions);
}

export async function readServerVersions(db: Kysely<Schema>): Promise<ServerVersions> {
  const { rows } = await sql<{
    number: number;
    postgres: string;
    vector: string | null;
    available: string | null;
  }>`select current_setting('server_version_num')::integer as number,
      current_setting('server_version') as postgres,
      (select extversion from pg_extension where extname = 'vector') as vector,
      (select default_version from pg_available_extensions where name = 'vector') as available`.execute(db);
  const [row] = rows;
  if (row === undefined) throw new Error('the database does not report its version');
  return {
    postgresNumber: row.number,
    postgres: row.postgres,
    vector: row.vector ?? undefined,
    availableVector: row.available ?? undefined,
  };
}

/** What keeps memory-layer from running on such a server; undefined when nothing does. */
export function problemOf({ postgresNumber, postgres, vector, availableVector }: ServerVersions): string | undefined {
  if (postgresNumber < oldestPostgres * 10_000) {
    return `PostgreSQL ${postgres} is too old: ${oldestPostgres} or later is needed`;
  }
  const version = vector ?? availableVector;
  if (version === undefined) return `this PostgreSQL lacks pgvector: install ${oldestVector} or later on the server`;
  if (!isBefore(version, oldestVector)) return undefined;
  const canUpdate = availableVector !== undefined && !isBefore(availableVector, oldestVector);
  const remedy = canUpdate
    ? `run ALTER EXTENSION vector UPDATE, the server has ${availableVector}`
    : `${oldestVector} or later is needed`;
  return `pgvector ${version} is too old: ${remedy}`;
}

/** See pgvector's changelog: https://github.com/pgvector/pgvector/blob/master/CHANGELOG.md */
export function warningOf({ vector, availableVector }: ServerVersions): string | undefined {
  const version = vector ?? availableVector;
  if (version === undefined || !isBefore(version, soundVector)) return undefined;
  return `pgvector ${version} has faults that ${soundVector} fixes: a buffer overflow in parallel builds of HNSW indexes, and corruption of them by vacuum. Update it on the server, then run ALTER EXTENSION vector UPDATE.`;
}

/** Whether one dotted version comes before another. */
function isBefore(version: string, other: string): boolean {
  const [left, right] = [version, other].map((text) => text.split('.').map((part) => Number.parseInt(part, 10) || 0));
  const at = right?.findIndex((part, index) => part !== (left?.[index] ?? 0)) ?? -1;
  return at !== -1 && (left?.[at] ?? 0) < (right?.[at] ?? 0);
}
