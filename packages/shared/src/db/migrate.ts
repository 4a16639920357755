import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sql, type Kysely } from 'kysely';
import { Migrator, type Migration } from 'kysely/migration';
import type { Schema } from './schema.ts';

/** Where the SQL files are, in a checkout and in an image alike. */
export const migrationsFolder = fileURLToPath(
  new URL('.', import.meta.resolve('@memory-layer/migrations/package.json')),
);

export interface MigrationOutcome {
  /** Names of the migrations this call applied, in order. Empty when there was nothing to do. */
  readonly applied: readonly string[];
}

/**
 * Applies the plain SQL files of a folder, in name order, each once, forward only. Safe to run from several
 * processes at once: Kysely's migrator takes a lock and keeps the ledger (table `schema_migration`).
 *
 * @throws the database's error when a file fails; nothing of this call is then applied.
 */
export async function migrate(db: Kysely<Schema>, folder: string): Promise<MigrationOutcome> {
  const migrator = new Migrator({
    db,
    provider: { getMigrations: () => readMigrations(folder) },
    migrationTableName: 'schema_migration',
    migrationLockTableName: 'schema_migration_lock',
  });
  const { error, results } = await migrator.migrateToLatest();
  if (error !== undefined) throw error instanceof Error ? error : new Error('migration failed', { cause: error });
  return { applied: (results ?? []).filter((r) => r.status === 'Success').map((r) => r.migrationName) };
}

/** Names of the migrations in the folder that the database has not seen. */
export async function listUnapplied(db: Kysely<Schema>, folder: string): Promise<string[]> {
  const files = Object.keys(await readMigrations(folder));
  const ledger = await sql<{ exists: boolean }>`select to_regclass('schema_migration') is not null as exists`.execute(
    db,
  );
  if (ledger.rows[0]?.exists !== true) return files;
  const done = await sql<{ name: string }>`select name from schema_migration`.execute(db);
  const names = new Set(done.rows.map((row) => row.name));
  return files.filter((file) => !names.has(file));
}

async function readMigrations(folder: string): Promise<Record<string, Migration>> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).toSorted();
  const entries = await Promise.all(
    files.map(async (file) => {
      const text = await readFile(join(folder, file), 'utf8');
      const up: Migration['up'] = async (db) => void (await sql.raw(text).execute(db));
      return [file.replace(/\.sql$/, ''), { up }] as const;
    }),
  );
  return Object.fromEntries(entries);
}
