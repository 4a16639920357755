import { setTimeout as sleep } from 'node:timers/promises';

import type pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

import { startEmbeddedPostgres, type EmbeddedPostgres } from './start-embedded-postgres.ts';
import { TestClients, value } from './testing/test-clients.ts';
import { queryFrame } from './wire/frames.ts';

let engine: EmbeddedPostgres;
let clients: TestClients;

beforeAll(async () => {
  engine = await startEmbeddedPostgres();
  clients = new TestClients(engine);
  const client = await clients.client();
  await client.query(`CREATE EXTENSION vector; CREATE TABLE message (content text, place vector(64));
    INSERT INTO message SELECT repeat(md5(i::text), 40), array_fill(1 / (i + 1.0), ARRAY[64])::vector
    FROM generate_series(1, 20000) i`);
  await client.end();
});

afterEach(() => clients.closeAll());
afterAll(() => engine.stop());

/** What a query came to: its error, when it has failed. */
function outcomeOf(query: Promise<unknown>): Promise<unknown> {
  return query.then(
    () => 'done',
    (error: unknown) => error,
  );
}

const cancelledError = { code: '57014', message: 'canceling statement due to user request' };

/** Each takes minutes and more when it is let. */
const endless: Readonly<Record<string, string>> = {
  'a sleep': 'SELECT pg_sleep(600)',
  'a loop of the executor': 'SELECT count(*) FROM generate_series(1, 100000000000) i WHERE i % 7 = 8',
  'a join of tables': "SELECT count(*) FROM message a, message b WHERE a.content || b.content LIKE '%x%y%'",
  'a regular expression': `SELECT repeat('a', 200000) ~ '(a*)*(b|a*)*\\1$' FROM generate_series(1, 100000)`,
  'words of texts': "SELECT count(*) FROM message a, message b WHERE to_tsvector('english', a.content) @@ 'x'",
  'distances of vectors': 'SELECT min(a.place <=> b.place) FROM message a, message b, message c',
  'a function': 'DO $$ BEGIN LOOP NULL; END LOOP; END $$',
  'a sort': 'SELECT a.content FROM message a, message b ORDER BY md5(a.content || b.content)',
};

describe('a statement that runs', () => {
  test.each(Object.entries(endless))('is cancelled: %s', async (_name, sql) => {
    const [client, other] = await Promise.all([clients.client(), clients.client()]);
    const running = outcomeOf(client.query(sql));
    const waiting = value(other, 'SELECT 1');
    await sleep(60);
    await clients.cancel(client);
    expect(await running).toMatchObject(cancelledError);
    expect(await waiting).toBe(1);
    expect(await value(client, 'SELECT $1::int', [2])).toBe(2);
  });

  test('fails the transaction around it', async () => {
    const client = await clients.client();
    await client.query('BEGIN');
    const running = outcomeOf(client.query('SELECT pg_sleep(600)'));
    await sleep(60);
    await clients.cancel(client);
    expect(await running).toMatchObject(cancelledError);
    await expect(client.query('SELECT 1')).rejects.toMatchObject({ code: '25P02' });
    await client.query('ROLLBACK');
    expect(await value(client, 'SELECT 1')).toBe(1);
  });

  test('goes on when the key is wrong', async () => {
    const client = await clients.client();
    const running = client.query('SELECT pg_sleep(0.4)');
    await sleep(60);
    await clients.cancel(client, 12);
    await expect(running).resolves.toMatchObject({ rowCount: 1 });
  });

  test('does not keep the engine from stopping', async () => {
    const own = await startEmbeddedPostgres();
    const its = new TestClients(own);
    const running = outcomeOf((await its.client()).query('SELECT pg_sleep(600)'));
    await sleep(60);
    await own.stop();
    expect(await running).toBeInstanceOf(Error);
  });
});

describe('a statement that waits for the engine', () => {
  test('is cancelled while another transaction holds it', async () => {
    const [holder, client] = await Promise.all([clients.client(), clients.client()]);
    await holder.query('BEGIN');
    const waiting = outcomeOf(client.query('CREATE TABLE never (id int)'));
    await sleep(60);
    await clients.cancel(client);
    expect(await waiting).toMatchObject(cancelledError);
    await holder.query('COMMIT');
    expect(await value(client, "SELECT to_regclass('never')")).toBeNull();
  });
});

test('hits no statement after the one it was for', async () => {
  const client = await clients.client();
  let hits = 0;
  for (let round = 0; round < 200; round += 1) {
    const first = client.query('SELECT count(*) FROM generate_series(1, $1::int)', [round * 40]).then(
      () => 0,
      () => 1,
    );
    if (round % 3 > 0) await sleep(round % 3 === 1 ? 0 : 1);
    await clients.cancel(client);
    hits += await first;
    expect(await value(client, 'SELECT count(*) FROM generate_series(1, 2000)')).toBe('2000');
  }
  expect(hits).toBeGreaterThan(0);
});

describe('statement_timeout', () => {
  const expectTimeout = (client: pg.Client, sql = 'SELECT pg_sleep(600)') =>
    expect(client.query(sql)).rejects.toMatchObject({ code: '57014' });

  test('ends a statement, whether it came with the client or was set since', async () => {
    await expectTimeout(await clients.client({ statement_timeout: 100 }));
    await expectTimeout(await clients.client({ options: '-c statement_timeout=0.1s' }));
    const client = await clients.client();
    await client.query('SELECT 1');
    await client.query("SET statement_timeout = '100ms'");
    await expectTimeout(client);
    await client.query("SELECT set_config('statement_timeout', '0', false)");
    expect(await value(client, 'SELECT pg_sleep(0.2)::text')).toBe('');
  });

  test('is the client’s own, and lasts no longer than its transaction when that is rolled back', async () => {
    const [client, other] = await Promise.all([clients.client(), clients.client()]);
    await client.query("BEGIN; SET statement_timeout = '100ms'");
    await expectTimeout(client);
    await client.query('ROLLBACK');
    expect(await value(client, 'SELECT pg_sleep(0.2)::text')).toBe('');
    await client.query("SET statement_timeout = '100ms'");
    expect(await value(other, 'SELECT pg_sleep(0.2)::text')).toBe('');
  });

  test('counts the time for which the engine is not free, and does not wait for its end', async () => {
    const [holder, client] = await Promise.all([clients.client(), clients.client({ statement_timeout: 100 })]);
    await client.query('SELECT 1');
    await holder.query('BEGIN');
    await expectTimeout(client, 'CREATE TABLE never (id int)');
    const late = expectTimeout(client, 'CREATE TABLE never (id int)');
    await holder.query('SELECT pg_sleep(0.2)');
    await holder.query('COMMIT');
    await late;
    expect(await value(client, "SELECT to_regclass('never')")).toBeNull();
  });
});

test('lets clients take turns, however much one of them has asked for', async () => {
  const other = await clients.client();
  const greedy = await clients.client();
  let answered = 0;
  const stream = engineStreamOf(greedy);
  stream.on('data', (bytes: Buffer) => (answered += bytes.toString('latin1').split('SELECT 1').length - 1));
  stream.write(Buffer.concat(Array.from({ length: 400 }, () => queryFrame('SELECT pg_sleep(0.002)'))));
  await value(other, 'SELECT 1');
  await value(other, 'SELECT 1');
  expect(answered).toBeLessThan(200);
});

/** The stream under a client, to send what `pg` would not. */
function engineStreamOf(client: pg.Client) {
  const { connection } = client as unknown as { connection: { stream: NodeJS.ReadWriteStream } };
  connection.stream.removeAllListeners('data');
  return connection.stream;
}
