import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileEngine, startEmbeddedPostgres, type EmbeddedPostgres } from '@memory-layer/embedded-postgres';
import { Client, type PoolConfig } from 'pg';
import type { Kysely } from 'kysely';
import { Database } from '../db/database.ts';
import { migrate, migrationsFolder } from '../db/migrate.ts';
import type { Schema } from '../db/schema.ts';

/** A migrated database of one test file's own. */
export interface TestDatabase {
  readonly db: Kysely<Schema>;
  readonly database: Database;
  /** For what opens connections of its own, such as the queue. */
  readonly connection: PoolConfig;
  /** What the tests run on: some abilities differ. */
  readonly engine: 'embedded' | 'server';
  stop(): Promise<void>;
}

/** The embedded database in memory, or a fresh database on the server of `TEST_DATABASE_URL`. */
export async function startTestDatabase(): Promise<TestDatabase> {
  const serverUrl = process.env['TEST_DATABASE_URL'];
  return serverUrl === undefined ? startEmbedded() : startOnServer(serverUrl);
}

/** @param preparedPoolSize 0 where all connections share one session, as in the embedded engine. */
function open(connection: PoolConfig, preparedPoolSize = 0): Database {
  return new Database({
    connection,
    poolSize: 10,
    preparedPoolSize,
    acquireTimeoutMs: 20_000,
    applicationName: 'test',
    onConnectionError: () => undefined,
  });
}

/** What the test files of a process share: the engine's compiled code, which is kept here, and a migrated database. */
let shared: Promise<{ readonly code: object; readonly template: Uint8Array }> | undefined;

async function prepare(): Promise<{ readonly code: object; readonly template: Uint8Array }> {
  const [code, template] = await Promise.all([compileEngine(), migratedTemplate()]);
  return { code, template };
}

async function startEmbedded(): Promise<TestDatabase> {
  shared ??= prepare();
  const { template } = await shared;
  const postgres = await startEmbeddedPostgres({ template });
  const database = open(postgres.connection);
  // Nothing to do on a good template; a broken one must not pass for a migrated database.
  await migrate(database.queries, migrationsFolder);
  return {
    db: database.queries,
    database,
    connection: postgres.connection,
    engine: 'embedded',
    async stop() {
      await database.stop();
      await postgres.stop();
    },
  };
}

/** A tarball of a migrated database, made once for a state of the migrations and shared by all test files. */
async function migratedTemplate(): Promise<Uint8Array> {
  const file = join(tmpdir(), 'memory-layer-test', `template-${await digestOfMigrations()}.tar`);
  try {
    return await readFile(file);
  } catch {
    const template = await makeTemplate();
    if (template.length === 0) return template;
    await mkdir(join(file, '..'), { recursive: true });
    const draft = `${file}.${process.pid}`;
    await writeFile(draft, template);
    await rename(draft, file);
    return template;
  }
}

async function makeTemplate(): Promise<Uint8Array> {
  const postgres: EmbeddedPostgres = await startEmbeddedPostgres();
  const database = open(postgres.connection);
  await migrate(database.queries, migrationsFolder);
  await database.stop();
  const template = await postgres.dump();
  await postgres.stop();
  return template;
}

async function digestOfMigrations(): Promise<string> {
  const hash = createHash('sha256');
  for (const file of (await readdir(migrationsFolder)).toSorted()) {
    hash.update(file).update(await readFile(join(migrationsFolder, file)));
  }
  return hash.digest('hex').slice(0, 16);
}

async function startOnServer(serverUrl: string): Promise<TestDatabase> {
  const name = `test_${process.pid}_${Math.random().toString(36).slice(2, 10)}`;
  await onServer(serverUrl, `create database ${name}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  const connection = { connectionString: url.href };
  const database = open(connection, 10);
  await migrate(database.queries, migrationsFolder);
  return {
    db: database.queries,
    database,
    connection,
    engine: 'server',
    async stop() {
      await database.stop();
      await onServer(serverUrl, `drop database if exists ${name} with (force)`);
    },
  };
}

async function onServer(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query(statement);
  await client.end();
}
