import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestDatabase, type TestDatabase } from '../testing/test-database.ts';
import { decodeHalfvec, encodeHalfvec, encodeHalfvecs, findHalfvecOid } from './halfvec.ts';

let database: TestDatabase;
let oid: number;
beforeAll(async () => {
  database = await startTestDatabase();
  oid = await findHalfvecOid(database.db);
});
afterAll(() => database.stop());

async function readBack(vectors: readonly Float32Array[]): Promise<string[]> {
  const parameter = await encodeHalfvecs(vectors, oid);
  const { rows } = await sql<{ vector: string }>`select unnest(${parameter}::halfvec[])::text as vector`.execute(
    database.db,
  );
  return rows.map((row) => row.vector);
}

test('arrive as they were sent, in order, each with its own dimension', async () => {
  const vectors = [Float32Array.of(1, -0.5), Float32Array.of(0.25), Float32Array.of(3, 4, 5)];
  expect(await readBack(vectors)).toEqual(['[1,-0.5]', '[0.25]', '[3,4,5]']);
  expect(await readBack([])).toEqual([]);
});

test('are rounded as the server rounds a literal', async () => {
  const components = Array.from({ length: 4000 }, (_, n) => Math.sin(n * 12.9898) * 10 ** ((n % 9) - 7));
  const vector = Float32Array.from(components);
  const { rows } = await sql<{ vector: string }>`
    select ${`[${[...vector].join(',')}]`}::halfvec::text as vector
  `.execute(database.db);
  expect(await readBack([vector])).toEqual(rows.map((row) => row.vector));
});

test('one alone arrives as it was sent, and comes back', async () => {
  const vector = Float32Array.of(1, -0.5, 0.25);
  const { rows } = await sql<{ text: string; bytes: Buffer }>`
    with given as (select ${encodeHalfvec(vector)}::halfvec as vector)
    select vector::text as text, halfvec_send(vector) as bytes from given`.execute(database.db);
  expect(rows[0]?.text).toBe('[1,-0.5,0.25]');
  expect(decodeHalfvec(rows[0]?.bytes ?? Buffer.of())).toEqual(vector);
});

test.each([Number.NaN, Infinity, 1e6])('are refused by the server when one component is %s', async (component) => {
  await expect(readBack([Float32Array.of(1, component)])).rejects.toThrow('not allowed in halfvec');
});

test('come back in binary as they are', async () => {
  const { rows } = await sql<{ bytes: Buffer }>`
    select halfvec_send(v) as bytes from unnest(array['[1,-0.5,0.000061,65504]', '[0.25]']::halfvec[]) v
  `.execute(database.db);
  const read = rows.map((row) => decodeHalfvec(row.bytes));
  expect(read.map((vector) => [...vector])).toEqual([[1, -0.5, expect.closeTo(0.000061, 7), 65_504], [0.25]]);
});
