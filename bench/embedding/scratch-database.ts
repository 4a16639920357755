import { randomUUID } from 'node:crypto';
import { Database } from '@memory-layer/shared/db/database';
import { migrate } from '@memory-layer/shared/db/migrate';
import { migrationsFolder } from '@memory-layer/shared/db/migrations-folder';
import { sql } from 'kysely';

export interface ScratchDatabase {
  readonly url: string;
  readonly database: Database;
  drop(): Promise<void>;
}

function open(url: string, poolSize: number): Database {
  return new Database({
    connection: { connectionString: url },
    poolSize,
    acquireTimeoutMs: 20_000,
    applicationName: 'memory-layer bench',
    onConnectionError: (error) => console.error(error.message),
  });
}

/** A migrated database of its own on the server of `serverUrl`, which is otherwise left alone. */
export async function createScratchDatabase(serverUrl: string): Promise<ScratchDatabase> {
  const name = `bench_embedding_${randomUUID().replaceAll('-', '')}`;
  const server = open(serverUrl, 1);
  await sql`create database ${sql.id(name)}`.execute(server.queries);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  const database = open(url.href, 4);
  await migrate(database.queries, migrationsFolder);
  return {
    url: url.href,
    database,
    async drop() {
      await database.stop();
      await sql`drop database ${sql.id(name)} with (force)`.execute(server.queries);
      await server.stop();
    },
  };
}
