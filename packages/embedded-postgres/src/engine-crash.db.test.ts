import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { startEmbeddedPostgres, type EmbeddedPostgres } from './start-embedded-postgres.ts';
import { value } from './testing/test-clients.ts';

/** Nested so deeply that the native stack of the engine's thread runs out, which PostgreSQL cannot see coming. */
const crashingSql = "SELECT repeat('[', 30000000)::json";

let engine: EmbeddedPostgres;

beforeAll(async () => {
  engine = await startEmbeddedPostgres();
});

afterAll(() => engine.stop());

test('answers with an error where PostgreSQL would, not with a crash', async () => {
  const client = new pg.Client(engine.connection);
  await client.connect();
  await expect(client.query(`SELECT ${'1+'.repeat(30_000)}1`)).rejects.toMatchObject({ code: '54001' });
  await expect(client.query("SELECT repeat('[', 100000)::jsonb")).rejects.toMatchObject({ code: '22P02' });
  await client.query(
    `CREATE FUNCTION forever(i int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN forever(i + 1); END'`,
  );
  await expect(client.query('SELECT forever(1)')).rejects.toMatchObject({ code: '54001' });
  expect(await value(client, 'SELECT 1')).toBe(1);
  await client.end();
});

// The last one: it leaves no engine behind.
test('lets nobody wait for an engine that has died, and says so', async () => {
  const pool = new pg.Pool(engine.connection);
  const idleErrors: Error[] = [];
  pool.on('error', (error) => idleErrors.push(error));
  const [crashing, waiting] = await Promise.all([pool.connect(), pool.connect()]);
  for (const client of [crashing, waiting]) client.on('error', () => {});
  await pool.query('SELECT 1');

  await Promise.all([
    expect(crashing.query(crashingSql)).rejects.toThrow('the embedded database has crashed'),
    expect(waiting.query('SELECT 1')).rejects.toThrow('the embedded database has crashed'),
    expect(engine.failed).rejects.toThrow('the embedded database has crashed'),
  ]);
  expect(idleErrors).toHaveLength(1);
  for (const client of [crashing, waiting]) client.release(true);

  await expect(pool.query('SELECT 1')).rejects.toThrow('the embedded database has crashed');
  await expect(engine.dump()).rejects.toThrow('the embedded database has crashed');
  await expect(engine.stop()).resolves.toBeUndefined();
  await pool.end();
});
