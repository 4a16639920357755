import type { Schema } from '@memory-layer/shared/db/schema';
import { systemClock } from '@memory-layer/shared/lifecycle/clock';
import { startTestDatabase, type TestDatabase } from '@memory-layer/shared/testing/test-database';
import { nonEmpty } from '@memory-layer/shared/testing/non-empty';
import { sql, type Kysely } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { recordQueries } from '../../testing/record-queries.ts';
import { createLexicalIndex } from '../plan/lexical-query.ts';
import { createSearchPlan, planTenant, type SearchPlan } from '../plan/search-plan.ts';
import { noFilter } from '../plan/testing/no-filter.ts';
import { parseOperators } from '../query/parse-query.ts';
import { createLexicalRepository } from '../stats/lexical.repository.ts';
import { noSegments } from '../stats/segment-directory.ts';
import { createSearchRepository } from './search.repository.ts';
import { addMessages, dimension, generation, idOf } from './testing/vectors.ts';

const tenantId = 'acme';
const probe = Float32Array.from({ length: dimension }, (_, index) => Math.cos(index));

let database: TestDatabase;
let plan: SearchPlan;
/** The vectors of each message's passages. */
let vectors: Map<string, number[][]>;
beforeAll(async () => {
  database = await startTestDatabase();
  // Even numbers are one conversation. Most have several passages.
  await addMessages(database.db, tenantId, 60);
  await sql`delete from embedding where tenant_id = ${tenantId} and message_id = ${idOf(16)}`.execute(database.db);
  const { rows } = await sql<{ id: string; vectors: number[][] }>`
    select message_id as id, array_agg(vector::real[]) as vectors from embedding group by message_id`.execute(
    database.db,
  );
  vectors = new Map(rows.map((row) => [row.id, row.vectors]));
  const lexicalIndex = createLexicalIndex({
    repository: createLexicalRepository(database.db),
    clock: systemClock,
    onError: (error) => expect.fail(error.message),
  });
  plan = createSearchPlan({
    tenant: planTenant(tenantId, { messages: 1 }),
    generation,
    vector: probe,
    segments: noSegments,
    lexical: await lexicalIndex.prepare(tenantId, parseOperators('text 12')),
    byWords: true,
    limit: 20,
    filter: noFilter,
  });
});
afterAll(() => database.stop());

const repositoryOf = (db: Kysely<Schema>) => createSearchRepository({ queries: db, prepared: db });
const find = (...numbers: number[]) => repositoryOf(database.db).findNeighbourhood(plan, numbers.map(idOf));
const numbersOf = (ids: readonly string[]) =>
  ids.map((id) => Number.parseInt(id.slice(-12), 16)).toSorted((a, b) => a - b);

function cosine(a: readonly number[], b: readonly number[]): number {
  const dot = (x: readonly number[], y: readonly number[]) =>
    x.reduce((sum, value, index) => sum + value * (y[index] ?? 0), 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

/** The passage of a message that is nearest to the query. */
function best(number: number): number[] {
  const passages = vectors.get(idOf(number)) ?? [];
  return passages.toSorted((a, b) => cosine(b, [...probe]) - cosine(a, [...probe]))[0] ?? [];
}

test('chains that overlap are one: each message once, each beside the one before and the one after', async () => {
  const { candidates, neighbourhood } = await find(14, 10, 12);
  expect(numbersOf(candidates.map(({ id }) => id))).toEqual([6, 8, 10, 12, 14, 16, 18]);
  for (const number of [8, 10, 12, 14, 16, 18]) {
    expect(neighbourhood.earlierOf(idOf(number))).toBe(idOf(number - 2));
    expect(neighbourhood.laterOf(idOf(number - 2))).toBe(idOf(number));
  }
  expect(neighbourhood.earlierOf(idOf(6))).toBeUndefined();
  expect(neighbourhood.laterOf(idOf(18))).toBeUndefined();
});

test('what lies between two chains keeps them apart', async () => {
  const { candidates, neighbourhood } = await find(10, 20);
  expect(numbersOf(candidates.map(({ id }) => id))).toEqual([6, 8, 10, 12, 14, 16, 18, 20, 22, 24]);
  expect(neighbourhood.laterOf(idOf(14))).toBeUndefined();
  expect(neighbourhood.earlierOf(idOf(16))).toBeUndefined();
  expect(neighbourhood.similarityBetween(idOf(14), idOf(16))).toBeUndefined();
});

test('a conversation begins and ends', async () => {
  const { candidates, neighbourhood } = await find(2, 60);
  expect(numbersOf(candidates.map(({ id }) => id))).toEqual([2, 4, 6, 56, 58, 60]);
  expect(neighbourhood.earlierOf(idOf(2))).toBeUndefined();
  expect(neighbourhood.laterOf(idOf(60))).toBeUndefined();
});

test('a message stands for its passage that is nearest to the query, and is compared by that', async () => {
  const { candidates, neighbourhood } = await find(10, 40);
  for (const { id, vectorScore } of nonEmpty(candidates)) {
    const [number = 0] = numbersOf([id]);
    expect(vectorScore).toBeCloseTo(cosine(best(number), [...probe]), 2);
  }
  for (const [earlier, later] of [
    [8, 10],
    [8, 12],
    [36, 38],
    [40, 44],
  ] as const) {
    const similarity = neighbourhood.similarityBetween(idOf(earlier), idOf(later));
    expect(similarity).toBeCloseTo(cosine(best(earlier), best(later)), 2);
  }
});

test('a message without vectors is there, and like none', async () => {
  const { candidates, neighbourhood } = await find(14);
  expect(candidates.find(({ id }) => id === idOf(16))).toMatchObject({ vectorScore: undefined, wordCount: 2 });
  expect(neighbourhood.earlierOf(idOf(16))).toBe(idOf(14));
  expect(neighbourhood.similarityBetween(idOf(14), idOf(16))).toBeUndefined();
  expect(neighbourhood.similarityBetween(idOf(16), idOf(18))).toBeUndefined();
});

test('vectors are looked up by their key before there are statistics', async () => {
  await database.db.transaction().execute(async (transaction) => {
    await sql`set local enable_seqscan to off`.execute(transaction);
    const recorder = recordQueries(transaction);
    await repositoryOf(recorder.db).findNeighbourhood(plan, [idOf(10)]);
    const [explained] = await recorder.explainAll();
    expect(explained).toMatch(/Index Scan using embedding_p\d+_pkey/);
    expect(explained).not.toMatch(/embedding_p\d+_tenant_id_generation/);
  });
});

test('words are scored of each, and none that was not asked for', async () => {
  const { candidates } = await find(10);
  const scores = new Map(candidates.map((candidate) => [candidate.id, candidate.termScores]));
  for (const scored of nonEmpty(scores.values())) expect(scored).toHaveLength(2);
  const isFound = (number: number) => scores.get(idOf(number))?.map((score) => score > 0);
  expect(isFound(10)?.toSorted()).toEqual([false, true]);
  expect(isFound(12)).toEqual([true, true]);
});
