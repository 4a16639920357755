import { startTestDatabase, type TestDatabase } from '@memory-layer/shared/testing/test-database';
import { TenantPartitions } from '@memory-layer/shared/db/tenant-partitions.repository';
import { createLogger } from '@memory-layer/shared/observability/logger';
import { allIds } from '@memory-layer/shared/vector-index/id-range';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { addVectors, deleteMessages, dimension, generation, idOf, search } from './testing/vectors.ts';
import { createVectorCountsRepository } from './vector-counts.repository.ts';
import { createVectorIndexRepository, type VectorIndexRepository } from './vector-index.repository.ts';
import { createVectorIndexService, idOfTime, type VectorIndexService } from './vector-index.service.ts';

let database: TestDatabase;
let indexes: VectorIndexRepository;
let service: VectorIndexService;
const clock = { time: Date.now(), now: () => new Date(clock.time) };
const built: number[] = [];
const tails: number[] = [];
let tenants = 0;
let tenantId: string;

beforeAll(async () => {
  database = await startTestDatabase();
  indexes = createVectorIndexRepository(database.db);
  service = createVectorIndexService({
    indexes,
    vectorCounts: createVectorCountsRepository(database.db),
    partitions: new TenantPartitions(database.db),
    generation: { generation, dimension },
    limits: { minVectors: 100, maxTail: 40, memoryMb: 64 },
    clock,
    logger: createLogger({ service: 'test', level: 'silent' }),
    events: { built: (_, vectors) => built.push(vectors), failed: () => undefined, tail: (n) => tails.push(n) },
  });
});
afterAll(() => database.stop());
beforeEach(() => {
  tenants += 1;
  tenantId = `tenant-${tenants}`;
  clock.time = Date.now();
  built.length = 0;
});

const segments = () => indexes.listReady(tenantId, generation);
const sizes = async () => (await segments()).map((segment) => segment.vectors);

async function maintainAll(): Promise<void> {
  for (let step = 0; await service.maintain(tenantId); step += 1) if (step > 20) throw new Error('never at rest');
}

async function expectSearchIsRight(): Promise<void> {
  const { found, nearest } = await search(database.db, tenantId, await segments());
  expect(nearest).toHaveLength(10);
  expect(new Set(found).size).toBe(10);
  // A graph may miss one; a range that is searched twice or never would show.
  expect(found.filter((id) => nearest.includes(id)).length).toBeGreaterThanOrEqual(9);
}

/** The indexes in the catalog are those of the ready rows. */
async function expectNothingLeftOver(): Promise<void> {
  const rows = await indexes.listRows();
  const existing = await indexes.listIndexes();
  expect(existing.toSorted((a, b) => a.indexName.localeCompare(b.indexName))).toEqual(
    rows
      .map(({ indexName }) => ({ indexName, isValid: true }))
      .toSorted((a, b) => a.indexName.localeCompare(b.indexName)),
  );
  expect(new Set(rows.map((row) => row.state))).not.toContain('building');
}

describe('a tenant grows', () => {
  test('below the limit it has no index, then one, then segments that are joined; search is right throughout', async () => {
    await addVectors(database.db, tenantId, 1, 99);
    await maintainAll();
    expect(await sizes()).toEqual([]);
    for (let last = 120; last <= 600; last += 20) {
      const first = last === 120 ? 100 : last - 19;
      await addVectors(database.db, tenantId, first, last);
      await maintainAll();
      await expectSearchIsRight();
      expect((await sizes()).length).toBeGreaterThan(0);
      expect(tails.at(-1)).toBeLessThan(40);
    }
    expect((await sizes()).length).toBeLessThanOrEqual(3);
    await expectNothingLeftOver();
  });

  test('its newest vectors stay out, and what is embedded late comes into the index by itself', async () => {
    await addVectors(database.db, tenantId, 1, 60);
    await addVectors(database.db, tenantId, 71, 120);
    await maintainAll();
    expect((await segments())[0]?.throughId).toBe(idOf(115));
    await addVectors(database.db, tenantId, 61, 70);
    await expectSearchIsRight();
  });

  test('what pours in is not tidied up meanwhile', async () => {
    await addVectors(database.db, tenantId, 1, 100);
    await maintainAll();
    // Everything arrived within the last minute: the messages' ids say when they were made.
    clock.time = Number.parseInt('019000000000', 16);
    await addVectors(database.db, tenantId, 101, 130);
    await maintainAll();
    expect(await sizes()).toEqual([95]);
    clock.time = Date.now();
    await maintainAll();
    expect(built).toHaveLength(2);
  });
});

describe('a tenant shrinks', () => {
  test('an hour later its segments are counted again, and its index goes', async () => {
    await addVectors(database.db, tenantId, 1, 120);
    await maintainAll();
    await deleteMessages(database.db, tenantId, { afterId: allIds.afterId, throughId: idOf(90) });
    await maintainAll();
    expect(await sizes()).toEqual([114]);
    await expectSearchIsRight();
    clock.time += 3_700_000;
    await maintainAll();
    expect(await sizes()).toEqual([]);
    await expectSearchIsRight();
    await expectNothingLeftOver();
  });

  test('that is erased loses its index although nothing else is left of it', async () => {
    await addVectors(database.db, tenantId, 1, 120);
    await maintainAll();
    await deleteMessages(database.db, tenantId, allIds);
    expect(await createVectorCountsRepository(database.db).listTenants('', 100)).toContain(tenantId);
    clock.time += 3_700_000;
    await maintainAll();
    expect(await createVectorCountsRepository(database.db).listTenants('', 100)).not.toContain(tenantId);
    await expectNothingLeftOver();
  });

  test('what comes back before the first segment is found too', async () => {
    await addVectors(database.db, tenantId, 101, 220);
    await maintainAll();
    await sql`update vector_index set after_id = ${idOf(100)} where tenant_id = ${tenantId}`.execute(database.db);
    await addVectors(database.db, tenantId, 1, 50);
    await expectSearchIsRight();
    await maintainAll();
    expect(built).toContain(50);
    expect((await segments())[0]).toMatchObject({ afterId: allIds.afterId });
    await expectSearchIsRight();
  });
});

describe('what broken-off work has left', () => {
  test.each(['building', 'dropping', 'invalid', 'no index', 'no row'])('goes, and is built again: %s', async (left) => {
    await addVectors(database.db, tenantId, 1, 120);
    await maintainAll();
    const [segment] = await segments();
    const name = segment?.indexName ?? '';
    const breakOff = {
      building: sql`update vector_index set state = 'building' where index_name = ${name}`,
      dropping: sql`update vector_index set state = 'dropping' where index_name = ${name}`,
      invalid: sql`update pg_index set indisvalid = false where indexrelid = ${name}::regclass`,
      'no index': sql`drop index ${sql.id(name)}`,
      'no row': sql`delete from vector_index where index_name = ${name}`,
    }[left];
    await breakOff?.execute(database.db);
    await service.reconcile();
    expect(await sizes()).toEqual([]);
    await expectNothingLeftOver();
    await expectSearchIsRight();
    await maintainAll();
    expect(await sizes()).toEqual([114]);
    await expectNothingLeftOver();
  });
});

test('the id of a moment is below all ids made then', () => {
  expect(idOfTime(Date.UTC(2022, 1, 22, 19, 22, 22))).toBe('017f22e2-79b0-0000-0000-000000000000');
});
