import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

import { startEmbeddedPostgres, type EmbeddedPostgres } from './start-embedded-postgres.ts';
import { TestClients, value } from './testing/test-clients.ts';

let engine: EmbeddedPostgres;
let clients: TestClients;

beforeAll(async () => {
  engine = await startEmbeddedPostgres();
  clients = new TestClients(engine);
});

afterEach(() => clients.closeAll());
afterAll(() => engine.stop());

describe('the pg driver on the embedded database', () => {
  test('gets values as from a server', async () => {
    const client = await clients.client();
    const { rows } = await client.query({
      text: `SELECT 9007199254740993::bigint AS big, 1.50::numeric AS exact, 7::int AS small, true AS flag,
               '{"a": [1]}'::jsonb AS json, '\\xff00'::bytea AS bytes, ARRAY['a', NULL] AS list, NULL AS nothing,
               '2024-05-06T07:08:09.123Z'::timestamptz AS at`,
    });
    expect(rows).toEqual([
      {
        big: '9007199254740993',
        exact: '1.50',
        small: 7,
        flag: true,
        json: { a: [1] },
        bytes: Buffer.from([0xff, 0]),
        list: ['a', null],
        nothing: null,
        at: new Date('2024-05-06T07:08:09.123Z'),
      },
    ]);
  });

  test('has vectors and half vectors with an index', async () => {
    const client = await clients.client();
    await client.query('CREATE EXTENSION vector');
    await client.query('CREATE TABLE item (id int PRIMARY KEY, full_size vector(3), half_size halfvec(3))');
    await client.query('CREATE INDEX ON item USING hnsw (half_size halfvec_cosine_ops)');
    await client.query("INSERT INTO item VALUES (1, '[1,0,0]', '[1,0,0]'), (2, '[0,1,0]', '[0,1,0]')");
    const { rows } = await client.query('SELECT id, full_size FROM item ORDER BY half_size <=> $1 LIMIT 1', [
      '[0.1,0.9,0]',
    ]);
    expect(rows).toEqual([{ id: 2, full_size: '[0,1,0]' }]);
  });

  test('takes parameters and gives rows of many megabytes', async () => {
    const client = await clients.client();
    const text = 'ä€𝄞'.repeat(1_000_000);
    const { rows } = await client.query<{ text: string; length: number }>('SELECT $1::text AS text, length($1)', [
      text,
    ]);
    expect(rows[0]?.text === text).toBe(true);
    expect(rows[0]?.length).toBe(3_000_000);
  });

  test('leaves the client usable after every kind of error', async () => {
    const client = await clients.client();
    await client.query('CREATE TABLE once (id int PRIMARY KEY)');
    await client.query('INSERT INTO once VALUES (1)');
    const failures: [sql: string, values: unknown[], code: string][] = [
      ['SELEC 1', [], '42601'],
      ['INSERT INTO once VALUES (1)', [], '23505'],
      ['INSERT INTO once VALUES ($1)', [1], '23505'],
      ['SELECT $1::int', ['not a number'], '22P02'],
      ['SELECT * FROM missing WHERE id = $1', [1], '42P01'],
      ['COPY once FROM STDIN', [], '0A000'],
      ['DISCARD ALL', [], '0A000'],
    ];
    for (const [sql, values, code] of failures) {
      await expect(client.query(sql, values.length > 0 ? values : undefined)).rejects.toMatchObject({ code });
      expect(await value(client, 'SELECT count(*) FROM once WHERE id = $1', [1])).toBe('1');
    }
  });

  test('fails the transaction around a COPY that it refuses', async () => {
    const client = await clients.client();
    await client.query('BEGIN');
    await expect(client.query('COPY pg_class FROM STDIN')).rejects.toThrow('COPY FROM STDIN is not supported');
    await expect(client.query('SELECT 1')).rejects.toMatchObject({ code: '25P02' });
    await client.query('ROLLBACK');
    expect(await value(client, 'SELECT 1')).toBe(1);
  });

  test('answers queries of a pipeline each on its own', async () => {
    const client = await clients.client({ pipeline: true });
    const results = await Promise.allSettled([
      value(client, 'SELECT 1'),
      value(client, 'SELECT 1 / 0'),
      value(client, 'SELECT 3'),
    ]);
    expect(results.map((result) => (result.status === 'fulfilled' ? result.value : 'error'))).toEqual([1, 'error', 3]);
  });

  test('refuses a database and a role that do not exist', async () => {
    await expect(clients.client({ database: 'other' })).rejects.toMatchObject({ code: '3D000' });
    const stranger = await clients.client({ user: 'stranger' });
    await expect(stranger.query('SELECT 1')).rejects.toThrow('role "stranger" does not exist');
  });

  test('does not hold up the main thread while it computes', async () => {
    const client = await clients.client();
    const query = value(client, 'SELECT count(*) FROM generate_series(1, 2000000) AS i WHERE i % 3 = 0');
    let ticks = 0;
    const timer = setInterval(() => (ticks += 1), 1);
    await query;
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(20);
  });
});

describe('startEmbeddedPostgres', () => {
  test('starts another one in memory from a dump, and keeps the two apart', async () => {
    const client = await clients.client();
    await client.query('CREATE TABLE dumped AS SELECT 42 AS answer');
    const copy = await startEmbeddedPostgres({ template: await engine.dump(), settings: { work_mem: '7MB' } });
    const others = new TestClients(copy);
    const other = await others.client();
    expect(await value(other, 'UPDATE dumped SET answer = answer + 1 RETURNING answer')).toBe(43);
    expect(await value(other, 'SHOW work_mem')).toBe('7MB');
    expect(await value(client, 'SELECT answer FROM dumped')).toBe(42);
    await others.closeAll();
    await copy.stop();
  });

  test('keeps a folder, which a template does not overwrite, and gives it back', async () => {
    const dataDir = fs.mkdtempSync(path.join(os.tmpdir(), 'embedded-postgres-'));
    const template = await engine.dump();
    const steps: string[] = [];
    const onStep = (step: string): void => void steps.push(step);
    const first = await startEmbeddedPostgres({ dataDir, template, onStep });
    expect(steps.splice(0)).toEqual(['creating', 'syncing', 'opening']);
    await expect(startEmbeddedPostgres({ dataDir })).rejects.toThrow(`${dataDir} is in use by process ${process.pid}`);
    const writer = new pg.Client(first.connection);
    await writer.connect();
    await writer.query("CREATE TABLE kept AS SELECT 'yes' AS kept");
    await writer.end();
    await first.stop();

    const second = await startEmbeddedPostgres({ dataDir, template, onStep });
    expect(steps).toEqual(['opening']);
    const reader = new pg.Client(second.connection);
    await reader.connect();
    expect(await value(reader, 'SELECT kept FROM kept')).toBe('yes');
    expect(await value(reader, 'SHOW fsync')).toBe('on');
    await reader.end();
    await second.stop();
    fs.rmSync(dataDir, { recursive: true });
  });

  test('begins again after it was killed while it made its folder', async () => {
    const dataDir = fs.mkdtempSync(path.join(os.tmpdir(), 'embedded-postgres-'));
    fs.mkdirSync(path.join(dataDir, 'pgdata.new'));
    fs.writeFileSync(path.join(dataDir, 'pgdata.new', 'PG_VERSION'), '18\n');
    const started = await startEmbeddedPostgres({ dataDir, template: await engine.dump() });
    await started.stop();
    expect(fs.readdirSync(dataDir).filter((name) => name.startsWith('pg'))).toEqual(['pgdata']);
    fs.rmSync(dataDir, { recursive: true });
  });

  test('says why it does not start, and gives the folder back', async () => {
    const dataDir = fs.mkdtempSync(path.join(os.tmpdir(), 'embedded-postgres-'));
    fs.mkdirSync(path.join(dataDir, 'pgdata'));
    fs.writeFileSync(path.join(dataDir, 'pgdata', 'PG_VERSION'), '12\n');
    for (const attempt of [1, 2]) {
      await expect(startEmbeddedPostgres({ dataDir }), `attempt ${attempt}`).rejects.toThrow(/does not start/);
    }
    fs.rmSync(dataDir, { recursive: true });
  });

  test('cuts clients off when it stops, and stops once', async () => {
    const stopping = await startEmbeddedPostgres({ template: await engine.dump() });
    const client = new pg.Client(stopping.connection);
    const errors: string[] = [];
    client.on('error', (error: Error & { code?: string }) => errors.push(error.code ?? error.message));
    await client.connect();
    await client.query('BEGIN');
    await Promise.all([stopping.stop(), stopping.stop()]);
    expect(errors).toContain('57P01');
    await expect(new pg.Client(stopping.connection).connect()).rejects.toThrow('has been stopped');
    await expect(stopping.dump()).rejects.toThrow('has been stopped');
  });
});
