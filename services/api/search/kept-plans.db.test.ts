import { keptPlans } from '@memory-layer/shared/db/prepared/prepared-pool';
import type { Schema } from '@memory-layer/shared/db/schema';
import { systemClock } from '@memory-layer/shared/lifecycle/clock';
import { startTestDatabase, type TestDatabase } from '@memory-layer/shared/testing/test-database';
import { CompiledQuery, sql, type Kysely } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isKeepable, tenantInSql, type CandidateQuery } from './candidates/candidate-query.ts';
import { noFilter } from './filter/testing/no-filter.ts';
import { createLexicalIndex } from './lexical/lexical-index.ts';
import { parseSearchText } from './lexical/search-text.ts';
import { createSearchRepository } from './search.repository.ts';
import { noSegments } from './vector/ready-segments.ts';
import { addMessages, buildSegment, dimension, generation, idOf, known, segmentOf } from './vector/testing/vectors.ts';

const segment = segmentOf('large', 0, 700);

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
  await addMessages(database.db, 'large', 800);
  await addMessages(database.db, 'small', 20);
  await buildSegment(database.db, segment);
  await sql`vacuum analyze embedding`.execute(database.db);
  await sql`vacuum analyze message`.execute(database.db);
});
afterAll(() => database.stop());

async function queryOf(tenantId: 'large' | 'small', text: string): Promise<CandidateQuery> {
  const lexicalIndex = createLexicalIndex({
    db: database.db,
    clock: systemClock,
    onError: (error) => expect.fail(error.message),
  });
  const isLarge = tenantId === 'large';
  return {
    tenantId,
    tenant: tenantInSql(tenantId, isLarge ? Infinity : 20),
    generation,
    vector: new Float32Array(dimension).fill(0.1),
    segments: isLarge ? known([segment], 700) : noSegments,
    lexical: await lexicalIndex.prepare(tenantId, parseSearchText(text)),
    byWords: true,
    limit: 20,
    filter: noFilter,
  };
}

/** What a search asks for, and nothing else. */
async function statementsOf(query: CandidateQuery): Promise<string[]> {
  const seen: string[] = [];
  await database.db.transaction().execute(async (transaction) => {
    const spy = transaction.withPlugin({
      transformQuery({ node, queryId }) {
        seen.push(transaction.getExecutor().compileQuery(node, queryId).sql);
        return node;
      },
      transformResult: ({ result }) => Promise.resolve(result),
    });
    await search(spy, query);
  });
  return seen;
}

async function search(db: Kysely<Schema>, query: CandidateQuery): Promise<void> {
  const repository = createSearchRepository({ queries: db, prepared: db });
  const found = await repository.findCandidates(query);
  const ids = found.map(({ id }) => id);
  await repository.findNeighbourhood(query, ids);
  await repository.getHits(query.tenantId, generation, [...ids, idOf(1)], query.vector);
}

/** The plan that is made without knowing values, as the connections make it that keep their statements. */
async function keptPlanOf(text: string): Promise<string> {
  return database.db.transaction().execute(async (transaction) => {
    for (const [name, value] of Object.entries(keptPlans)) {
      await sql`select set_config(${name}, ${value}, true)`.execute(transaction);
    }
    const explain = CompiledQuery.raw(`explain (generic_plan, costs off) ${text}`, []);
    const { rows } = await transaction.executeQuery<Record<string, string>>(explain);
    return rows.map((row) => row['QUERY PLAN'] ?? '').join('\n');
  });
}

async function isSupported(): Promise<boolean> {
  const { rows } = await sql<{ server_version_num: string }>`show server_version_num`.execute(database.db);
  return Number(rows[0]?.server_version_num) >= 160_000;
}

describe('the statements of a search', () => {
  test.each(['large', 'small'] as const)('have the same text whatever is searched for: a %s tenant', async (tenant) => {
    const first = await statementsOf(await queryOf(tenant, 'word1 number2'));
    const second = await statementsOf(await queryOf(tenant, 'word3'));
    expect(second).toEqual(first);
    expect(first).toHaveLength(3);
    // Only what belongs to one large tenant names it.
    expect(first.slice(0, 2).every((text) => text.includes(`'large'`))).toBe(tenant === 'large');
    expect(first.join('\n')).not.toContain('word1');
  });

  test.each(['large', 'small'] as const)('are planned for any values: a %s tenant', async (tenant) => {
    if (!(await isSupported())) return;
    const plans = await Promise.all((await statementsOf(await queryOf(tenant, 'word1'))).map(keptPlanOf));
    for (const plan of plans) {
      expect(plan).not.toMatch(/Seq Scan on (message|embedding)/);
      expect(plan).not.toMatch(/Hash Join|Merge Join|Hash Left Join|Merge Left Join/);
    }
    expect(plans[0]).toMatch(/Bitmap Index Scan on message_p\d+_message_scope_search_vector_idx/);
    expect(plans[0]).toMatch(/Index Scan using message_p\d+_pkey/);
    expect(plans[1]).toMatch(
      /Index (Only )?Scan( Backward)? using message_p\d+_tenant_id_conversation_id_created_at_id_idx/,
    );
    expect(plans[2]).toMatch(/Index Scan using message_p\d+_pkey/);
    expect((plans[0] ?? '').includes('embedding_hnsw_')).toBe(tenant === 'large');
  });
});

test('what is filtered, or must have words, has a plan of its own', async () => {
  const plain = await queryOf('small', 'word1');
  expect(isKeepable(plain)).toBe(true);
  expect(isKeepable({ ...plain, filter: { ...noFilter, roles: ['user'] } })).toBe(false);
  expect(isKeepable(await queryOf('small', '"word1 number2"'))).toBe(false);
  expect(isKeepable(await queryOf('small', 'word1 -number2'))).toBe(false);
});
