import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ConfigError } from '../config/load-config.ts';
import { startTestDatabase, type TestDatabase } from '../testing/test-database.ts';
import { checkServer, readServerVersions } from './server-requirements.ts';

let server: TestDatabase;
beforeAll(async () => {
  server = await startTestDatabase();
});
afterAll(() => server.stop());

test('the versions of this server are read, and will do', async () => {
  const versions = await readServerVersions(server.db);
  expect(versions.postgresNumber).toBeGreaterThanOrEqual(150_000);
  expect(versions.postgres).toMatch(new RegExp(`^${Math.floor(versions.postgresNumber / 10_000)}\\b`));
  expect(versions.vector).toMatch(/^\d+\.\d+\.\d+$/);
  expect(versions.availableVector).toMatch(/^\d+\.\d+\.\d+$/);
  await checkServer(server.db);
});

test('a database with a pgvector that is too old is refused, with what to run', async () => {
  const { availableVector } = await readServerVersions(server.db);
  await sql`update pg_extension set extversion = '0.7.4' where extname = 'vector'`.execute(server.db);
  const line = `invalid configuration: MEMORY_DATABASE_URL: pgvector 0.7.4 is too old: run ALTER EXTENSION vector UPDATE, the server has ${availableVector}`;
  await expect(checkServer(server.db)).rejects.toThrow(new ConfigError(line));
});
