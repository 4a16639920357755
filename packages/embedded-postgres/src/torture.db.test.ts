import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { startEmbeddedPostgres, type EmbeddedPostgres } from './start-embedded-postgres.ts';
import { TestClients, value } from './testing/test-clients.ts';

const connections = 20;
const roundCount = 8;
const megabyte = 1024 * 1024;

let engine: EmbeddedPostgres;
let clients: TestClients;

beforeAll(async () => {
  engine = await startEmbeddedPostgres();
  clients = new TestClients(engine);
});

afterAll(async () => {
  await clients.closeAll();
  await engine.stop();
});

/** Large and small in turn, up to 1 MB, and different for each owner. */
function payload(owner: number, round: number): string {
  const length = round % 4 === 0 ? megabyte : 10 ** (round % 4);
  return `${owner}:${round}:`.padEnd(length, 'x');
}

/** One transaction: its settings, its row, its notification; every third is rolled back. */
async function transaction(client: pg.PoolClient, owner: number, round: number): Promise<boolean> {
  const commits = (owner + round) % 3 !== 0;
  await client.query('BEGIN');
  await client.query(`SET LOCAL search_path TO home_${owner}, public`);
  await client.query("SELECT set_config('app.owner', $1, true)", [String(owner)]);
  await client.query('INSERT INTO item (owner, round, payload) VALUES ($1, $2, $3)', [
    owner,
    round,
    payload(owner, round),
  ]);
  await client.query(`INSERT INTO table_${owner} VALUES ($1, current_setting('app.owner')::int)`, [round]);
  await client.query('SELECT pg_notify($1, $2)', [`channel_${owner}`, String(round)]);
  const fails = round % 5 === 4;
  if (fails) await client.query('SELECT * FROM missing WHERE a = $1', [1]).catch(() => {});
  await client.query(commits ? 'COMMIT' : 'ROLLBACK');
  return commits && !fails;
}

test('keeps 20 clients apart that write, fail, roll back and notify at once', async () => {
  const setup = await clients.client();
  const owners = Array.from({ length: connections }, (_, owner) => owner);
  for (const owner of owners) {
    await setup.query(
      `CREATE SCHEMA home_${owner}; CREATE TABLE home_${owner}.item (owner int, round int, payload text)`,
    );
    await setup.query(`CREATE TABLE table_${owner} (round int, owner int)`);
  }
  const received = new Map<number, string[]>();
  for (const owner of owners.filter((candidate) => candidate % 5 === 0)) {
    const listener = await clients.client();
    const got: string[] = [];
    received.set(owner, got);
    listener.on('notification', ({ channel, payload: round }) => got.push(`${channel}:${round}`));
    await listener.query(`LISTEN channel_${owner}`);
  }
  const pool = clients.pool({ max: connections });
  const committed = await Promise.all(
    owners.map(async (owner) => {
      const client = await pool.connect();
      client.on('error', () => {});
      await client.query(`SET application_name TO 'owner_${owner}'`);
      const rounds: number[] = [];
      for (let round = 0; round < roundCount; round += 1) {
        if (await transaction(client, owner, round)) rounds.push(round);
        expect(await value(client, "SELECT current_setting('application_name')")).toBe(`owner_${owner}`);
        expect(await value(client, 'SHOW search_path')).toBe('"$user", public');
      }
      client.release();
      return rounds;
    }),
  );
  for (const owner of owners) {
    const expected = (committed[owner] ?? []).map((round) => ({ owner, round }));
    const items = await setup.query<{ owner: number; round: number; payload: string }>(
      `SELECT * FROM home_${owner}.item ORDER BY round`,
    );
    expect(items.rows.map(({ owner: by, round }) => ({ owner: by, round }))).toEqual(expected);
    expect(items.rows.every((row) => row.payload === payload(owner, row.round))).toBe(true);
    const rows = await setup.query(`SELECT owner, round FROM table_${owner} ORDER BY round`);
    expect(rows.rows).toEqual(expected);
  }
  expect(received.size).toBe(connections / 5);
  for (const [owner, got] of received) {
    expect(got).toEqual((committed[owner] ?? []).map((round) => `channel_${owner}:${round}`));
  }
});
