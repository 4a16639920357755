import { TenantPartitions } from '@memory-layer/shared/db/tenant-partitions.repository';
import { startTestDatabase, type TestDatabase } from '@memory-layer/shared/testing/test-database';
import { allIds } from '@memory-layer/shared/vector-index/id-range';
import { segmentIndexName } from '@memory-layer/shared/vector-index/segment-index';
import { indexedVector, segmentCondition } from '@memory-layer/shared/vector-index/segment-index.sql';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addVectors, dimension, generation, idOf, nearestStatement } from './testing/vectors.ts';
import { createVectorIndexRepository, type VectorIndexRepository } from './vector-index.repository.ts';

const graph = { m: 4, efConstruction: 16, dimension };

let database: TestDatabase;
let indexes: VectorIndexRepository;
beforeAll(async () => {
  database = await startTestDatabase();
  indexes = createVectorIndexRepository(database.db);
});
afterAll(() => database.stop());

async function build(tenantId: string, afterId = allIds.afterId, throughId = allIds.throughId) {
  const segment = { tenantId, generation, afterId, throughId };
  const partition = await new TenantPartitions(database.db).get(tenantId);
  await indexes.insertBuilding(segment, 1);
  await indexes.createIndex(segment, { ...graph, partition });
  await indexes.publish(segment, []);
  return segment;
}

/** The plan, without the ways that are cheaper only because the tables are small. */
async function explain(statement: string, parameters: readonly unknown[] = []): Promise<string> {
  return database.db.transaction().execute(async (transaction) => {
    await sql`set local enable_seqscan to off`.execute(transaction);
    await sql`set local enable_sort to off`.execute(transaction);
    const [head = '', ...rest] = statement.split('?');
    const query = rest.reduce(
      (text, part, n) => sql`${text}${parameters[n]}${sql.raw(part)}`,
      sql`${sql.raw(`explain ${head}`)}`,
    );
    const { rows } = await query.execute(transaction);
    return rows.map((row) => Object.values(row as object).join()).join('\n');
  });
}

describe('the index of a segment', () => {
  test('is used by a search of its range, and by no other search', async () => {
    await addVectors(database.db, 'mine', 1, 60);
    const segment = await build('mine', idOf(10), idOf(50));
    const name = segmentIndexName(segment);
    expect(await explain(nearestStatement('mine', [segment], 5))).toContain(`Index Scan using ${name}`);
    expect(await explain(nearestStatement('mine', [], 5))).not.toContain(name);
    expect(await explain(nearestStatement('other', [segment], 5))).not.toContain(name);
    const wider = { ...segment, throughId: idOf(51) };
    expect(await explain(nearestStatement('mine', [wider], 5))).not.toContain(name);
    expect(await explain(nearestStatement('mine', [{ ...segment, afterId: idOf(11) }], 5))).toContain(name);
  });

  test('is used by a statement with parameters too', async () => {
    const [segment] = await indexes.listReady('mine', generation);
    if (segment === undefined) throw new Error('no segment');
    const plan = await explain(
      `select message_id from embedding where tenant_id = ? and generation = ? and message_id > ? and message_id <= ?
       order by ${indexedVector(dimension)} <=> ?::halfvec limit 5`,
      ['mine', generation, segment.afterId, segment.throughId, '[1,1,1,1,1,1,1,1]'],
    );
    expect(plan).toContain(`Index Scan using ${segment.indexName}`);
  });

  test('of one tenant holds nothing of another in the same partition', async () => {
    await addVectors(database.db, 'theirs', 1, 30);
    const segment = await build('theirs');
    const { rows } = await sql<{ id: string }>`
      select tenant_id as id from embedding where ${sql.raw(segmentCondition(segment))}
      order by ${sql.raw(indexedVector(dimension))} <=> '[1,1,1,1,1,1,1,1]'::halfvec`.execute(database.db);
    expect(new Set(rows.map((row) => row.id))).toEqual(new Set(['theirs']));
  });

  test('is listed as valid, and goes when it is dropped; dropping it again changes nothing', async () => {
    await addVectors(database.db, 'going', 1, 20);
    const segment = await build('going');
    const name = segmentIndexName(segment);
    expect(await indexes.listIndexes()).toContainEqual({ indexName: name, isValid: true });
    await indexes.dropIndex(name);
    await indexes.dropIndex(name);
    expect((await indexes.listIndexes()).map((index) => index.indexName)).not.toContain(name);
  });
});

describe('security', () => {
  // No such tenant id passes the API; the statement holds all the same.
  test.each(["x' or true --", "x\\' or true --", `x"; drop table message; --`, "'; select 1; '", 'x$$y'])(
    'a hostile tenant id stays a value: %s',
    async (tenantId) => {
      await addVectors(database.db, tenantId, 1, 20);
      const segment = await build(tenantId);
      const { rows } = await sql<{ tenant_id: string; count: number }>`
        select tenant_id, count(*)::int as count from embedding where ${sql.raw(segmentCondition(segment))} group by 1
      `.execute(database.db);
      expect(rows).toEqual([{ tenant_id: tenantId, count: 20 }]);
      expect(await indexes.listIndexes()).toContainEqual({ indexName: segmentIndexName(segment), isValid: true });
      expect(await explain(nearestStatement(tenantId, [segment], 5))).toContain(segmentIndexName(segment));
    },
  );

  test('tenant A cannot see tenant B: each lists its own segments', async () => {
    await addVectors(database.db, 'tenant-a', 1, 5);
    await addVectors(database.db, 'tenant-b', 1, 5);
    const segment = await build('tenant-a');
    expect((await indexes.listReady('tenant-a', generation)).map((s) => s.indexName)).toEqual([
      segmentIndexName(segment),
    ]);
    expect(await indexes.listReady('tenant-b', generation)).toEqual([]);
    expect(await indexes.listReady('tenant-a', generation + 1)).toEqual([]);
  });
});
