import { startTestDatabase, type TestDatabase } from '@memory-layer/shared/testing/test-database';
import { allIds, type IdRange } from '@memory-layer/shared/vector-index/id-range';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { noSegments } from '../stats/segment-directory.ts';
import type { NearestQuery } from './nearest.sql.ts';
import {
  addMessages,
  allByDistance,
  buildSegment,
  idOf,
  known,
  nearestStatement,
  segmentOf,
  type Wanted,
} from './testing/vectors.ts';

const tenantId = 'large';
const count = 2000;
let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
  await addMessages(database.db, tenantId, count);
  await addMessages(database.db, 'other', 300);
  await buildSegment(database.db, segmentOf(tenantId, 0, 1000));
  await buildSegment(database.db, segmentOf(tenantId, 1000, 1900));
  await sql`analyze`.execute(database.db);
});
afterAll(() => database.stop());

const find = async (wanted: Wanted) => (await nearestStatement(wanted).execute(database.db)).rows;

const range = (from: number, through: number): IdRange => ({ afterId: idOf(from), throughId: idOf(through) });
/** What a search may take for the state of the index, whether it is or not. */
const layouts: Readonly<Record<string, readonly IdRange[]>> = {
  none: [],
  'as it is': [range(0, 1000), range(1000, 1900)],
  'one of them': [range(1000, 1900)],
  'with a gap': [range(0, 600), range(1000, 1900)],
  'an index that is gone': [range(0, 1000), range(1000, 1950)],
  'two that were joined': [range(0, 500), range(500, 1000), range(1000, 1900)],
  'beyond all that is there': [{ afterId: allIds.afterId, throughId: allIds.throughId }],
};

const raw = (text: string) => (alias: string) => sql.raw<boolean>(text.replaceAll('X', alias));
interface Filter extends Partial<Pick<NearestQuery, 'filter' | 'messageCondition'>> {
  readonly matching: string;
}
const filters: Readonly<Record<string, Filter>> = {
  none: { matching: 'true' },
  'half by conversation': {
    filter: raw(`X.conversation_id = any('{half}')`),
    matching: `m.conversation_id = 'half'`,
  },
  'a twentieth by conversation': {
    filter: raw(`X.conversation_id = any('{twentieth}')`),
    matching: `m.conversation_id = 'twentieth'`,
  },
  'a few by conversation': {
    filter: raw(`X.conversation_id = any('{rare}')`),
    matching: `m.conversation_id = 'rare'`,
  },
  'none by conversation': { filter: raw(`X.conversation_id = 'nobody'`), matching: 'false' },
  'half by metadata': {
    messageCondition: raw(`m.metadata @> '{"share":"half"}'`)(''),
    matching: `m.conversation_id = 'half'`,
  },
  'a few by importance and metadata': {
    filter: raw('X.importance >= 0.5'),
    messageCondition: raw(`m.metadata @> '{"share":"rare"}'`)(''),
    matching: `m.importance >= 0.5 and m.conversation_id = 'rare'`,
  },
  'some of one stretch of time': {
    filter: raw(`X.created_at >= '2024-01-01 00:10' and X.created_at < '2024-01-01 03:00'`),
    matching: `m.created_at >= '2024-01-01 00:10' and m.created_at < '2024-01-01 03:00'`,
  },
};

describe.each(Object.keys(layouts))('index %s', (layout) => {
  test.each(Object.keys(filters))('filter %s: as many as there are, all different, and the nearest', async (name) => {
    const { matching, ...filter } = filters[name] ?? { matching: 'true' };
    const nearest = await allByDistance(database.db, tenantId, matching);
    for (const limit of [1, 10, 200, 5000]) {
      const segments = known(layouts[layout] ?? [], count);
      const rows = await find({ tenantId, limit, segments, ...filter });
      const ids = rows.map((row) => row.id);
      expect(new Set(ids).size).toBe(Math.min(limit, nearest.length));
      expect(ids.length).toBe(Math.min(limit, nearest.length));
      expect(rows.map((row) => row.distance)).toEqual(rows.map((row) => row.distance).toSorted((a, b) => a - b));
      const best = nearest.slice(0, Math.min(10, limit));
      // A graph may miss one of the ten.
      expect(best.filter((id) => ids.includes(id)).length).toBeGreaterThanOrEqual(best.length - 1);
      for (const id of ids) expect(nearest).toContain(id);
    }
  });
});

test('no tenant sees another, whatever segments are named', async () => {
  const others = new Set((await allByDistance(database.db, 'other')).map(String));
  for (const segments of [noSegments, known([range(0, 1000)], count)]) {
    const rows = await find({ tenantId: 'nobody', limit: 10, segments });
    expect(rows).toEqual([]);
    const own = await find({ tenantId: 'other', limit: 1000, segments });
    expect(own).toHaveLength(300);
    for (const row of own) expect(others.has(row.id)).toBe(true);
  }
});

test('a message of many passages is one hit, and does not keep others out', async () => {
  const passages = 700;
  await addMessages(database.db, 'book', 40);
  await sql`
    insert into embedding (tenant_id, message_id, generation, passage_no, vector, conversation_id, role, importance, created_at)
    select tenant_id, message_id, generation, p, '[0.3,-0.1,0.5,0.2,-0.4,0.1,0.7,0.21]', conversation_id, role, importance, created_at
    from embedding, generate_series(10, ${passages}::int) p
    where tenant_id = 'book' and message_id = ${idOf(7)} and passage_no = 0
  `.execute(database.db);
  await buildSegment(database.db, segmentOf('book', 0, 40));
  const rows = await find({ tenantId: 'book', limit: 30, segments: known([range(0, 40)], 40) });
  expect(rows).toHaveLength(30);
  expect(rows[0]?.id).toBe(idOf(7));
  expect(rows.map((row) => row.id)).toEqual((await allByDistance(database.db, 'book')).slice(0, 30));
});

test('the settings end with the statement', async () => {
  await database.db.connection().execute(async (connection) => {
    await nearestStatement({ tenantId, limit: 10, segments: known([range(0, 1000)], count) }).execute(connection);
    const { rows } = await sql`show hnsw.iterative_scan`.execute(connection);
    expect(rows).toEqual([{ 'hnsw.iterative_scan': 'off' }]);
  });
});
