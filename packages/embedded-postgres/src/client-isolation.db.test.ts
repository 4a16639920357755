import { once } from 'node:events';

import type pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

import { startEmbeddedPostgres, type EmbeddedPostgres } from './start-embedded-postgres.ts';
import { TestClients, value } from './testing/test-clients.ts';

let engine: EmbeddedPostgres;
let clients: TestClients;

beforeAll(async () => {
  engine = await startEmbeddedPostgres();
  clients = new TestClients(engine);
  const client = await clients.client();
  await client.query('CREATE ROLE app; CREATE SCHEMA one; CREATE SCHEMA two; GRANT USAGE ON SCHEMA one TO app');
  await client.query('CREATE TABLE one.place AS SELECT 1 AS here; CREATE TABLE two.place AS SELECT 2 AS here');
  await client.query('GRANT SELECT ON one.place TO app');
  await client.query(`CREATE FUNCTION set_quietly(name text, value text) RETURNS text LANGUAGE sql
    AS $$ SELECT set_config(name, value, false) $$`);
  await clients.closeAll();
});

afterEach(() => clients.closeAll());
afterAll(() => engine.stop());

async function pair(config: pg.ClientConfig = {}): Promise<[pg.Client, pg.Client]> {
  return [await clients.client(config), await clients.client()];
}

describe('settings of a client', () => {
  test('stay with the client and come back to it', async () => {
    const [one, two] = await pair();
    await one.query('SET search_path TO one');
    await two.query('SET search_path TO two, "$user"');
    for (const round of [1, 2, 3]) {
      expect(await value(one, 'SELECT here FROM place'), `round ${round}`).toBe(1);
      expect(await value(two, 'SELECT here FROM place'), `round ${round}`).toBe(2);
    }
    expect(await value(two, 'SHOW search_path')).toBe('two, "$user"');
    await two.query('RESET search_path');
    expect(await value(one, 'SELECT here FROM place')).toBe(1);
    expect(await value(two, 'SHOW search_path')).toBe('"$user", public');
  });

  test('stay when they are set by set_config with parameters, by a named statement or in a DO block', async () => {
    const [one, two] = await pair();
    await one.query("SELECT set_config('app.first', $1, $2)", ['a "quoted" \\ value', false]);
    await one.query({ name: 'configure', text: "SELECT set_config('app.second', $1, false)", values: ['b'] });
    await one.query("DO $$ BEGIN PERFORM set_config('app.third', 'c', false); END $$");
    await two.query('SELECT 1');
    await one.query({ name: 'configure', text: "SELECT set_config('app.second', $1, false)", values: ['d'] });
    const read =
      "SELECT concat_ws('|', current_setting('app.first', true), current_setting('app.second', true), current_setting('app.third', true))";
    expect(await value(two, read)).toBe('||');
    expect(await value(one, read)).toBe('a "quoted" \\ value|d|c');
  });

  test('never reach another client, even when a function has set them where nobody looks', async () => {
    const [one, two] = await pair();
    await one.query("SELECT set_quietly('search_path', 'one')");
    expect(await value(two, 'SHOW search_path')).toBe('"$user", public');
  });

  test('end with the transaction when they are local to it or it is rolled back', async () => {
    const [one, two] = await pair();
    await one.query('BEGIN');
    await one.query("SET LOCAL search_path TO one; SELECT set_config('app.tenant', 'a', true)");
    expect(await value(one, 'SELECT here FROM place')).toBe(1);
    await one.query('COMMIT');
    await two.query('BEGIN; SET search_path TO two; ROLLBACK');
    expect(await value(one, "SELECT current_setting('search_path') || current_setting('app.tenant', true)")).toBe(
      '"$user", public',
    );
    expect(await value(two, 'SHOW search_path')).toBe('"$user", public');
  });

  test('are taken from the start-up packet', async () => {
    const [one, two] = await pair({
      options: '-c search_path=one -c statement_timeout=7s',
      application_name: "it's one",
    });
    await two.query('SELECT 1');
    const read =
      "SELECT concat_ws('|', current_setting('search_path'), current_setting('statement_timeout'), current_setting('application_name'))";
    expect(await value(one, read)).toBe("one|7s|it's one");
    expect(await value(two, read)).toBe('"$user", public|0|');
  });
});

describe('the role of a client', () => {
  test('stays with the client', async () => {
    const [one, two] = await pair();
    await one.query('SET ROLE app');
    expect(await value(two, 'SELECT current_user')).toBe('postgres');
    expect(await value(one, 'SELECT current_user')).toBe('app');
    await expect(one.query('SELECT * FROM two.place')).rejects.toMatchObject({ code: '42501' });
    await two.query('SELECT * FROM two.place');
  });

  test('is the user that it connects as, with that role alone', async () => {
    const [one, two] = await pair({ user: 'app' });
    await two.query('SELECT 1');
    await one.query('RESET ROLE');
    expect(await value(one, "SELECT session_user || '/' || current_user")).toBe('app/app');
    await expect(one.query('SELECT * FROM two.place')).rejects.toMatchObject({ code: '42501' });
  });
});

describe('prepared statements of a client', () => {
  test('do not meet those of others with the same name', async () => {
    const [one, two] = await pair();
    const ask = (client: pg.Client, text: string): Promise<unknown> =>
      client
        .query({ name: 'same', text, values: [5], rowMode: 'array' })
        .then(({ rows }) => (rows as unknown[][])[0]?.[0]);
    for (const round of [1, 2]) {
      expect(await ask(one, 'SELECT $1::int + 1'), `round ${round}`).toBe(6);
      expect(await ask(two, 'SELECT $1::int * 10'), `round ${round}`).toBe(50);
    }
  });

  test('are gone when the client is', async () => {
    const [one, two] = await pair();
    await one.query({ name: 'mine', text: 'SELECT 1' });
    const count = (): Promise<unknown> =>
      value(two, "SELECT count(*) FROM pg_prepared_statements WHERE name LIKE '%mine'");
    expect(await count()).toBe('1');
    await one.end();
    await expect.poll(count).toBe('0');
  });
});

describe('notifications', () => {
  function record(client: pg.Client): string[] {
    const got: string[] = [];
    client.on('notification', ({ channel, payload }) => got.push(`${channel}=${payload}`));
    return got;
  }

  test('reach the listeners of their channel, once each, and nobody else', async () => {
    const [one, two, three] = [await clients.client(), await clients.client(), await clients.client()];
    const got = [record(one), record(two), record(three)];
    await one.query('LISTEN jobs');
    await two.query('LISTEN "Events:x"; LISTEN jobs');
    await three.query("NOTIFY jobs, '1'");
    await three.query('SELECT pg_notify($1, $2)', ['Events:x', '2']);
    await one.query("BEGIN; NOTIFY jobs, '3'; ROLLBACK");
    await one.query("NOTIFY jobs, '4'");
    await Promise.all([one, two, three].map((client) => client.query('SELECT 1')));
    expect(got).toEqual([['jobs=1', 'jobs=4'], ['jobs=1', 'Events:x=2', 'jobs=4'], []]);
  });

  test('come without the listener asking for anything', async () => {
    const [one, two] = await pair();
    await one.query('LISTEN wake');
    const woken = once(one, 'notification');
    await two.query("NOTIFY wake, 'now'");
    expect((await woken)[0]).toMatchObject({ channel: 'wake', payload: 'now' });
  });

  test('go on for one client when another stops listening or leaves', async () => {
    const [one, two, three] = [await clients.client(), await clients.client(), await clients.client()];
    const got = [record(one), record(two)];
    for (const client of [one, two, three]) await client.query('LISTEN shared');
    await three.end();
    await two.query('UNLISTEN *');
    await two.query("NOTIFY shared, 'x'");
    await one.query('SELECT 1');
    expect(got).toEqual([['shared=x'], []]);
  });

  test('are not listened to by a transaction that is rolled back', async () => {
    const [one, two] = await pair();
    const got = record(one);
    await one.query('BEGIN; LISTEN undone');
    await one.query('ROLLBACK');
    await two.query('LISTEN undone');
    await two.query("NOTIFY undone, 'x'");
    await one.query('SELECT 1');
    expect(got).toEqual([]);
  });
});
