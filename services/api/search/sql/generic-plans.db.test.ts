import { genericPlanSettings } from '@memory-layer/shared/db/prepared/prepared-pool';
import type { Schema } from '@memory-layer/shared/db/schema';
import { systemClock } from '@memory-layer/shared/lifecycle/clock';
import { startTestDatabase, type TestDatabase } from '@memory-layer/shared/testing/test-database';
import { CompiledQuery, sql, type Kysely } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createLexicalIndex } from '../plan/lexical-query.ts';
import { createSearchPlan, planTenant, type SearchPlanParts } from '../plan/search-plan.ts';
import { noFilter } from '../plan/testing/no-filter.ts';
import { parseOperators } from '../query/parse-query.ts';
import { defaultCandidateLimit } from '../query/search-request.ts';
import { createLexicalRepository } from '../stats/lexical.repository.ts';
import { noSegments, type ReadySegments } from '../stats/segment-directory.ts';
import { createSearchRepository } from './search.repository.ts';
import { TenantPartitions } from '@memory-layer/shared/db/tenant-partitions.repository';
import { addMessages, buildSegment, dimension, generation, idOf, known, segmentOf } from './testing/vectors.ts';

const segment = segmentOf('large', 0, 700);

let database: TestDatabase;
let partitions: TenantPartitions;
beforeAll(async () => {
  database = await startTestDatabase();
  partitions = new TenantPartitions(database.db);
  await addMessages(database.db, 'large', 800);
  await addMessages(database.db, 'small', 20);
  await buildSegment(database.db, segment);
  await sql`vacuum analyze embedding`.execute(database.db);
  await sql`vacuum analyze message`.execute(database.db);
});
afterAll(() => database.stop());

async function queryOf(tenantId: 'large' | 'small', text: string, vectors = 700): Promise<SearchPlanParts> {
  const lexicalIndex = createLexicalIndex({
    repository: createLexicalRepository(database.db),
    clock: systemClock,
    onError: (error) => expect.fail(error.message),
  });
  const isLarge = tenantId === 'large';
  return {
    tenant: planTenant(tenantId, { messages: isLarge ? Infinity : 20, partition: await partitions.get(tenantId) }),
    generation,
    vector: new Float32Array(dimension).fill(0.1),
    segments: isLarge ? countedAs(vectors) : noSegments,
    lexical: await lexicalIndex.prepare(tenantId, parseOperators(text)),
    byWords: true,
    limit: defaultCandidateLimit,
    filter: noFilter,
  };
}

/** The segment as it was counted at some time. */
function countedAs(vectors: number): ReadySegments {
  const { segments, ...rest } = known([segment], 700);
  return { segments: segments.map((one) => ({ ...one, vectors: one.vectors + vectors })), ...rest };
}

/** What a search asks for. */
async function statementsOf(query: SearchPlanParts): Promise<CompiledQuery[]> {
  const seen: CompiledQuery[] = [];
  await database.db.transaction().execute(async (transaction) => {
    const spy = transaction.withPlugin({
      transformQuery({ node, queryId }) {
        seen.push(transaction.getExecutor().compileQuery(node, queryId));
        return node;
      },
      transformResult: ({ result }) => Promise.resolve(result),
    });
    await search(spy, query);
  });
  return seen;
}

const textsOf = async (query: SearchPlanParts) => (await statementsOf(query)).map((statement) => statement.sql);

async function search(db: Kysely<Schema>, query: SearchPlanParts): Promise<void> {
  const plan = createSearchPlan(query);
  const repository = createSearchRepository({ queries: db, prepared: db });
  const found = await repository.findCandidates(plan);
  const ids = found.map(({ id }) => id);
  await repository.findNeighbourhood(plan, ids);
  await repository.getHits(plan, [...ids, idOf(1)], query.vector);
}

/** The generic plan: made without knowing values, as connections with prepared statements make it. */
async function genericPlanOf({ sql: text, parameters }: CompiledQuery): Promise<string> {
  return database.db.transaction().execute(async (transaction) => {
    for (const [name, value] of Object.entries(genericPlanSettings)) {
      await sql`select set_config(${name}, ${value}, true)`.execute(transaction);
    }
    const run = (statement: string) => transaction.executeQuery<Record<string, string>>(CompiledQuery.raw(statement));
    await run(`prepare looked_at as ${text}`);
    const { rows } = await run(`explain (costs off) execute looked_at (${parameters.map(toLiteral).join(', ')})`);
    await run('deallocate looked_at');
    return rows.map((row) => row['QUERY PLAN'] ?? '').join('\n');
  });
}

function toLiteral(value: unknown): string {
  if (Buffer.isBuffer(value)) return `'[${Array.from({ length: dimension }, () => 0.1).join(',')}]'`;
  if (Array.isArray(value)) return `'{${value.map((item) => `"${String(item)}"`).join(',')}}'`;
  return value === null
    ? 'null'
    : `'${(typeof value === 'string' ? value : JSON.stringify(value)).replaceAll("'", "''")}'`;
}

describe('the statements of a search', () => {
  test.each(['large', 'small'] as const)('have the same text whatever is searched for: a %s tenant', async (tenant) => {
    const first = await textsOf(await queryOf(tenant, 'text 17'));
    expect(await textsOf(await queryOf(tenant, 'unknown'))).toEqual(first);
    expect(await textsOf(await queryOf(tenant, 'text 3 4', 705))).toEqual(first);
    expect(first).toHaveLength(3);
    // Only what belongs to one large tenant names it; look-ups by key are the same for all.
    expect(first.map((text) => text.includes(`'large'`))).toEqual([tenant === 'large', false, false]);
  });

  test.each(['large', 'small'] as const)('are planned for any values: a %s tenant', async (tenant) => {
    const plans = await Promise.all((await statementsOf(await queryOf(tenant, 'text 17'))).map(genericPlanOf));
    for (const plan of plans) {
      expect(plan).not.toMatch(/Seq Scan on (message|embedding)/);
      expect(plan).not.toMatch(/Hash Join|Merge Join|Hash Left Join|Merge Left Join/);
      // Of others they would be made anew, on every connection, whenever one of those is analysed.
      expect(new Set(plan.match(/(?<=(message|embedding)_p)\d+/g))).toEqual(
        new Set([`${await partitions.get(tenant)}`]),
      );
    }
    // All messages of a tenant by its own index, where tenants are small.
    const byWords =
      tenant === 'large' ? 'message_scope_search_vector' : '(message_scope_search_vector|tenant_id_created_at_id)';
    expect(plans[0]).toMatch(new RegExp(`Index Scan (on|using) message_p\\d+_${byWords}_idx`));
    expect(plans[0]?.match(/One-Time Filter: .*IS NOT NULL/g)).toHaveLength(3);
    expect(plans[0]).toMatch(/Index Scan using message_p\d+_pkey/);
    expect(plans[1]).toMatch(
      /Index (Only )?Scan( Backward)? using message_p\d+_tenant_id_conversation_id_created_at_id_idx/,
    );
    expect(plans[2]).toMatch(/Index Scan (on|using) message_p\d+_(pkey|tenant_id)/);
    expect((plans[0] ?? '').includes('embedding_hnsw_')).toBe(tenant === 'large');
  });
});

const isPreparable = (query: SearchPlanParts) => createSearchPlan(query).isPreparable;

test('what is filtered, has phrases or must have words has a plan of its own', async () => {
  const plain = await queryOf('small', 'text');
  expect(isPreparable(plain)).toBe(true);
  expect(isPreparable({ ...plain, filter: { ...noFilter, roles: ['user'] } })).toBe(false);
  expect(isPreparable({ ...plain, limit: 61 })).toBe(false);
  expect(isPreparable(await queryOf('small', '"text 3"'))).toBe(false);
  expect(isPreparable(await queryOf('small', 'text -car'))).toBe(false);
  expect(isPreparable(await queryOf('small', 'text -the'))).toBe(true);
  expect(isPreparable(await queryOf('small', 'is it "text 3"?'))).toBe(false);
});

test('prepared or not, the answers are the same', async (context) => {
  context.skip(database.engine === 'embedded', 'the embedded database has no connections that prepare');
  for (const tenant of ['large', 'small'] as const) {
    for (const text of ['text 17', 'text 3 4 5 6 7 8 9', 'unknown', 'text']) {
      const plan = createSearchPlan(await queryOf(tenant, text));
      const { queries, prepared } = database.database;
      const withPrepared = createSearchRepository({ queries, prepared });
      const plain = createSearchRepository({ queries, prepared: queries });
      const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1);
      const found = (await withPrepared.findCandidates(plan)).toSorted(byId);
      expect(found.length).toBeGreaterThan(0);
      expect(found).toEqual((await plain.findCandidates(plan)).toSorted(byId));
      const ids = found.map(({ id }) => id).slice(0, 25);
      const around = await withPrepared.findNeighbourhood(plan, ids);
      expect(around.candidates.toSorted(byId)).toEqual(
        (await plain.findNeighbourhood(plan, ids)).candidates.toSorted(byId),
      );
    }
  }
});
