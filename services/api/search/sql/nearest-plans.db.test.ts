import { startTestDatabase, type TestDatabase } from '@memory-layer/shared/testing/test-database';
import { segmentIndexName } from '@memory-layer/shared/vector-index/segment-index';
import { CompiledQuery, sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { noSegments } from '../stats/segment-directory.ts';
import { addMessages, buildSegment, known, nearestStatement, segmentOf, type Wanted } from './testing/vectors.ts';

const count = 3000;
const segments = [segmentOf('large', 0, 1500), segmentOf('large', 1500, 2900)];
let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
  await addMessages(database.db, 'large', count);
  for (let n = 0; n < 20; n++) await addMessages(database.db, `small-${n}`, 60);
  for (const segment of segments) await buildSegment(database.db, segment);
  await sql`vacuum analyze embedding`.execute(database.db);
  await sql`vacuum analyze message`.execute(database.db);
});
afterAll(() => database.stop());

/** What was done for the search: plan nodes that were carried out, with those that were not taken away. */
async function planOf(wanted: Wanted): Promise<string> {
  const { sql: text, parameters } = nearestStatement(wanted).compile(database.db);
  return database.db.transaction().execute(async (transaction) => {
    // Right while tables are as small as a test's, and wrong later.
    await sql`set local enable_seqscan to off`.execute(transaction);
    const explain = CompiledQuery.raw(`explain (analyze, costs off, timing off) ${text}`, [...parameters]);
    const { rows } = await transaction.executeQuery<Record<string, string>>(explain);
    return rows
      .map((row) => row['QUERY PLAN'] ?? '')
      .filter((line) => !line.includes('never executed'))
      .join('\n');
  });
}

const partitions = (plan: string) => new Set(plan.match(/(?<= on embedding_p)\d+/g));
const graphs = (plan: string) => plan.match(/(?<=Index Scan using )embedding_hnsw_\w+/g) ?? [];
const names = segments.map(segmentIndexName);
const filter = (text: string) => (alias: string) => sql.raw<boolean>(text.replaceAll('X', alias));
const large = { tenantId: 'large', limit: 20, segments: known(segments, count) };

describe('a large tenant', () => {
  test('is searched by the graph of each segment, and the rest by the primary key', async () => {
    const plan = await planOf(large);
    expect(graphs(plan)).toEqual(names);
    expect(plan).toMatch(/Scan (using|on) embedding_p\d+_pkey/);
    expect(partitions(plan).size).toBe(1);
  });

  test.each([
    ['conversation', `X.conversation_id = any('{half}')`],
    ['role', `X.role = any('{user}')`],
    ['importance', 'X.importance >= 0.4'],
    ['time', `X.created_at >= '2024-01-02'`],
  ])('and so it is under a filter of %s that matches many', async (_, text) => {
    expect(graphs(await planOf({ ...large, filter: filter(text) }))).toEqual(names);
  });

  test('and under a condition on the message that matches many', async () => {
    const messageCondition = filter(`m.metadata <> '{}' and m.metadata @> '{"share":"half"}'`)('');
    const plan = await planOf({ ...large, messageCondition });
    expect(graphs(plan)).toEqual(names);
    expect(plan).toMatch(/Index Scan using message_p\d+_pkey/);
  });

  test.each([
    ['conversation', `X.conversation_id = any('{rare}')`, 'conversation_id'],
    ['role', `X.role = any('{tool}')`, 'role'],
    ['importance', 'X.importance >= 0.99', 'importance'],
    ['time', `X.created_at >= '2024-01-03 01:30'`, 'created_at'],
  ])('what a filter of %s leaves over is read by its index', async (_, text, column) => {
    for (const state of [large.segments, noSegments]) {
      const plan = await planOf({ ...large, segments: state, filter: filter(text) });
      expect(graphs(plan)).toEqual([]);
      expect(plan).toMatch(new RegExp(`embedding_p\\d+_tenant_id_generation_${column}_idx`));
      expect(partitions(plan).size).toBe(1);
    }
  });

  test('what a condition on the message leaves over is read by the index of that', async () => {
    const messageCondition = filter(`m.metadata <> '{}' and m.metadata @> '{"share":"rare"}'`)('');
    const plan = await planOf({ ...large, messageCondition });
    expect(graphs(plan)).toEqual([]);
    expect(plan).toMatch(/message_p\d+_metadata_idx/);
    expect(plan).toMatch(/Index Scan using embedding_p\d+_pkey/);
  });

  test('a graph that comes back with too few is followed by a look at all', async () => {
    const scans = (plan: string) => plan.match(/ on embedding_p\d+ /g)?.length;
    expect(scans(await planOf(large))).toBe(3);
    expect(scans(await planOf({ ...large, limit: 5000 }))).toBe(4);
  });
});

test('a small tenant is read by an index of tenants, and no other with it', async () => {
  const plan = await planOf({ tenantId: 'small-3', limit: 20, segments: noSegments });
  expect(plan).toMatch(/embedding_p\d+_(pkey|tenant_id_generation_\w+_idx)/);
  expect(plan).toMatch(/on embedding_p\d+ e \(actual rows=132\b/);
  expect(graphs(plan)).toEqual([]);
  expect(partitions(plan).size).toBe(1);
});
