import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { startEmbeddedPostgres, type EmbeddedPostgres } from './start-embedded-postgres.ts';
import { TestClients, value } from './testing/test-clients.ts';

const idleTimeoutMs = 250;

let engine: EmbeddedPostgres;
let clients: TestClients;

beforeAll(async () => {
  engine = await startEmbeddedPostgres({ idleInTransactionTimeoutMs: idleTimeoutMs });
  clients = new TestClients(engine);
});

beforeEach(async () => {
  const client = await clients.client();
  await client.query('DROP TABLE IF EXISTS entry; CREATE TABLE entry (id serial PRIMARY KEY, who text)');
});

afterEach(() => clients.closeAll());
afterAll(() => engine.stop());

async function written(): Promise<string[]> {
  const client = await clients.client();
  const { rows } = await client.query<{ who: string }>('SELECT who FROM entry ORDER BY id');
  return rows.map(({ who }) => who);
}

async function insert(client: pg.Client, who: string): Promise<void> {
  await client.query('INSERT INTO entry (who) VALUES ($1)', [who]);
}

describe('transactions', () => {
  test('keep others waiting, who then go on in the order they came', async () => {
    const [holder, ...others] = await Promise.all([1, 2, 3, 4].map(() => clients.client()));
    if (!holder) throw new Error('no client');
    await holder.query('BEGIN');
    await insert(holder, 'holder 1');
    const waiting = others.map((client, index) => insert(client, `waiting ${index}`));
    await insert(holder, 'holder 2');
    await holder.query('COMMIT');
    await Promise.all(waiting);
    expect(await written()).toEqual(['holder 1', 'holder 2', 'waiting 0', 'waiting 1', 'waiting 2']);
  });

  test('do not see what others roll back', async () => {
    const [one, two] = await Promise.all([clients.client(), clients.client()]);
    await one.query('BEGIN');
    await insert(one, 'undone');
    const count = value(two, 'SELECT count(*) FROM entry');
    await one.query('ROLLBACK');
    expect(await count).toBe('0');
  });

  test('run two migrations that start at once one after the other', async () => {
    const migrate = async (who: string): Promise<void> => {
      const client = await clients.client();
      await client.query('BEGIN');
      await client.query('SELECT pg_advisory_xact_lock(42)');
      await client.query('CREATE TABLE IF NOT EXISTS ledger (step int PRIMARY KEY, who text)');
      const applied = await value(client, 'SELECT count(*) FROM ledger');
      if (applied === '0') {
        await client.query('CREATE TABLE migrated (id int)');
        await client.query('INSERT INTO ledger VALUES (1, $1)', [who]);
      }
      await client.query('COMMIT');
    };
    await Promise.all([migrate('a'), migrate('b')]);
    const client = await clients.client();
    expect(await value(client, 'SELECT count(*) FROM ledger')).toBe('1');
  });
});

test('runs a query that is read in portions to its end before another', async () => {
  const [reader, other] = await Promise.all([clients.client(), clients.client()]);
  await insert(other, 'first');
  // pg fetches portions of this size one after the other, with Flush instead of Sync in between.
  const inPortions = { text: "SELECT 'read' AS who, pg_sleep(0) FROM generate_series(1, 50)", values: [], rows: 7 };
  const [read] = await Promise.all([reader.query<{ who: string }>(inPortions), insert(other, 'second')]);
  expect(read.rows).toHaveLength(50);
  expect(await written()).toEqual(['first', 'second']);
});

describe('a client that goes away', () => {
  test('takes its open transaction with it', async () => {
    const [leaver, other] = await Promise.all([clients.client(), clients.client()]);
    await leaver.query('BEGIN');
    await insert(leaver, 'orphan');
    const waiting = insert(other, 'other');
    await leaver.end();
    await waiting;
    expect(await written()).toEqual(['other']);
  });

  test('does not disturb others when it goes in the middle of its query', async () => {
    const [leaver, other] = await Promise.all([clients.client(), clients.client()]);
    await leaver.query('BEGIN');
    await insert(leaver, 'orphan');
    const slow = leaver.query('SELECT count(*) FROM generate_series(1, 1000000)');
    const gone = leaver.end();
    await Promise.all([expect(slow).rejects.toThrow(), insert(other, 'other'), gone]);
    expect(await written()).toEqual(['other']);
  });

  test('is not run any more when it goes while it waits', async () => {
    const [holder, leaver] = await Promise.all([clients.client(), clients.client()]);
    await holder.query('BEGIN');
    await Promise.all([expect(insert(leaver, 'dropped')).rejects.toThrow(), leaver.end()]);
    await insert(holder, 'holder');
    await holder.query('COMMIT');
    expect(await written()).toEqual(['holder']);
  });
});

describe('an idle transaction', () => {
  test('is ended for others who wait, and rolled back', async () => {
    const [holder, other] = await Promise.all([clients.client(), clients.client()]);
    const errors: unknown[] = [];
    holder.on('error', (error: Error & { code?: string }) => errors.push(error.code));
    await holder.query('BEGIN');
    await insert(holder, 'idle');
    await insert(other, 'other');
    expect(errors).toContain('25P03');
    await expect(holder.query('COMMIT')).rejects.toThrow();
    expect(await written()).toEqual(['other']);
  });

  test('goes on when nobody waits, or when it is not idle', async () => {
    const [holder, other] = await Promise.all([clients.client(), clients.client()]);
    await holder.query('BEGIN');
    await new Promise((resolve) => setTimeout(resolve, idleTimeoutMs * 1.5));
    const waiting = insert(other, 'other');
    for (const step of [1, 2, 3, 4]) {
      await insert(holder, `step ${step}`);
      await new Promise((resolve) => setTimeout(resolve, idleTimeoutMs * 0.4));
    }
    await holder.query('COMMIT');
    await waiting;
    expect(await written()).toEqual(['step 1', 'step 2', 'step 3', 'step 4', 'other']);
  });
});
