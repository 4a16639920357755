import { randomUUID } from 'node:crypto';
import { Database } from '@memory-layer/shared/db/database';
import { migrate, migrationsFolder } from '@memory-layer/shared/db/migrate';
import { sql } from 'kysely';

export interface ScratchDatabase extends AsyncDisposable {
  readonly url: string;
  readonly database: Database;
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

/** A migrated database of its own on the server of `given` or TEST_DATABASE_URL, which is otherwise left alone. */
export async function createScratchDatabase(given?: string): Promise<ScratchDatabase> {
  const serverUrl = given ?? process.env['TEST_DATABASE_URL'];
  if (serverUrl === undefined) throw new Error('needs TEST_DATABASE_URL: tooling/with-postgres.ts starts a server');
  const name = `bench_${randomUUID().replaceAll('-', '')}`;
  const server = open(serverUrl, 1);
  await sql`create database ${sql.id(name)}`.execute(server.queries);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  const database = open(url.href, 4);
  await migrate(database.queries, migrationsFolder);
  return {
    url: url.href,
    database,
    async [Symbol.asyncDispose]() {
      await database.stop();
      await sql`drop database ${sql.id(name)} with (force)`.execute(server.queries);
      await server.stop();
    },
  };
}
