import type { Schema } from '@memory-layer/shared/db/schema';
import { systemClock } from '@memory-layer/shared/lifecycle/clock';
import { startTestDatabase, type TestDatabase } from '@memory-layer/shared/testing/test-database';
import { sql, type Kysely } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { recordQueries } from '../../testing/record-queries.ts';
import { createLexicalIndex } from '../plan/lexical-query.ts';
import {
  comparesNewest,
  createSearchPlan,
  fewMessages,
  planTenant,
  type CandidateFilter,
  type FewMessages,
  type SearchPlanParts,
} from '../plan/search-plan.ts';
import { noFilter } from '../plan/testing/no-filter.ts';
import { parseMetadataFilter } from '../query/parse-metadata-filter.ts';
import { parseOperators } from '../query/parse-query.ts';
import { createLexicalRepository } from '../stats/lexical.repository.ts';
import { noSegments, type ReadySegments } from '../stats/segment-directory.ts';
import { createSearchRepository } from './search.repository.ts';
import { addMessages, buildSegment, dimension, generation, known, segmentOf } from './testing/vectors.ts';

const tenantId = 'acme';
const count = 600;
const limit = 20;
const probe = Float32Array.from({ length: dimension }, (_, index) => Math.cos(index));
const probeText = `[${[...probe].join(',')}]`;

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
  // Message n says "text n"; its conversation is `half`, `twentieth`, `rare` or another, and so says its metadata.
  await addMessages(database.db, tenantId, count);
  await addMessages(database.db, 'other', 100);
  await sql`delete from embedding where tenant_id = ${tenantId} and message_id = any(
    select id from message where tenant_id = ${tenantId} and content like '%5')`.execute(database.db);
  await buildSegment(database.db, segmentOf(tenantId, 0, 500));
  await sql`analyze`.execute(database.db);
});
afterAll(() => database.stop());

const where = (filter: unknown): Partial<CandidateFilter> => {
  const parsed = parseMetadataFilter(filter);
  return parsed.ok ? { where: parsed.filter } : expect.fail('no filter');
};
const isLike = `exists (select from embedding e where e.tenant_id = m.tenant_id and e.message_id = m.id
  and 1 - (e.vector <=> '${probeText}') >= 0.3)`;

interface Case {
  readonly filter?: Partial<CandidateFilter>;
  readonly text?: string;
  /** The same as SQL over `message m`. */
  readonly matching: string;
}
const cases: Readonly<Record<string, Case>> = {
  'half, by metadata': { filter: { metadata: { share: 'half' } }, matching: `m.conversation_id = 'half'` },
  'a few, by metadata': { filter: where({ key: 'share', eq: 'rare' }), matching: `m.conversation_id = 'rare'` },
  'none, by metadata': { filter: where({ key: 'share', eq: 'nobody' }), matching: 'false' },
  'a list of values': {
    filter: where({ key: 'share', in: [...Array.from({ length: 40 }, (_, n) => n), 'rare', 'twentieth'] }),
    matching: `m.conversation_id in ('rare', 'twentieth')`,
  },
  'lists that are opposed': {
    filter: where({ not: { key: 'share', in: [...Array.from({ length: 40 }, (_, n) => n), 'half'] } }),
    matching: `m.conversation_id <> 'half'`,
  },
  'a list of values and more': {
    filter: where({
      and: [
        { key: 'share', in: [...Array.from({ length: 40 }, (_, n) => n), 'rare', 'half'] },
        { key: 'share', ne: 'half' },
      ],
    }),
    matching: `m.conversation_id = 'rare'`,
  },
  'a range': { filter: where({ key: 'share', gte: 'i', lt: 's' }), matching: `m.conversation_id = 'rare'` },
  'metadata and columns': {
    filter: { ...where({ key: 'share', ne: 'half' }), roles: ['assistant'], importanceMin: 0.5 },
    matching: `m.conversation_id <> 'half' and m.role = 'assistant' and m.importance >= 0.5`,
  },
  'a required word': { text: 'text +"text 7"', matching: `m.content = 'text 7'` },
  'an excluded word': { text: 'text -7 -8', matching: 'true' },
  'exclusions alone': { text: '-nothing', matching: 'true' },
  similarity: {
    filter: { similarity: { tenantId, generation, min: 0.3, vector: probe } },
    matching: isLike,
  },
  'similarity and metadata': {
    filter: { metadata: { share: 'half' }, similarity: { tenantId, generation, min: 0.3, vector: probe } },
    matching: `${isLike} and m.conversation_id = 'half'`,
  },
};
const sizes: Readonly<Record<string, FewMessages>> = {
  'few are more than there are': fewMessages,
  'few are all but one': { ...fewMessages, byWords: count - 1, byVector: count - 1 },
  'few are none': { ...fewMessages, byWords: 0, byVector: 0 },
  'few are some by words, more by vector': { ...fewMessages, byWords: 5, byVector: 400 },
};
const layouts: Readonly<Record<string, ReadySegments>> = {
  none: noSegments,
  'one and a tail': known([segmentOf(tenantId, 0, 500)], count),
};

async function queryOf({ filter = {}, text = 'text' }: Case, segments: ReadySegments): Promise<SearchPlanParts> {
  const lexicalIndex = createLexicalIndex({
    repository: createLexicalRepository(database.db),
    clock: systemClock,
    onError: (error) => expect.fail(error.message),
  });
  return {
    tenant: planTenant(tenantId, { messages: Infinity }),
    generation,
    vector: probe,
    segments,
    lexical: await lexicalIndex.prepare(tenantId, parseOperators(text)),
    byWords: true,
    limit,
    filter: { ...noFilter, ...filter },
  };
}

const findCandidates = (db: Kysely<Schema>, parts: SearchPlanParts, few?: FewMessages) =>
  createSearchRepository({ queries: db, prepared: db }).findCandidates(createSearchPlan(parts, few));

/** All that match, nearest first; those without a vector come last. */
async function allMatching(matching: string): Promise<{ id: string; distance: number | null }[]> {
  const { rows } = await sql<{ id: string; distance: number | null }>`
    select m.id, min(e.vector <=> ${probeText}::halfvec) as distance
    from message m left join embedding e on e.tenant_id = m.tenant_id and e.message_id = m.id
    where m.tenant_id = ${tenantId} and ${sql.raw(matching)}
    group by m.id order by distance nulls last, m.id`.execute(database.db);
  return rows;
}

describe.each(Object.keys(layouts))('with segments %s', (layout) => {
  describe.each(Object.keys(sizes))('where %s', (size) => {
    test.each(Object.keys(cases))('%s: both sides find what matches, and nothing else', async (name) => {
      const one = cases[name] ?? { matching: 'false' };
      const query = await queryOf(one, layouts[layout] ?? noSegments);
      const all = await allMatching(one.matching);
      const ids = all.map(({ id }) => id);
      for (const vector of [probe, undefined]) {
        if (vector === undefined && one.filter?.similarity !== undefined) continue;
        const found = await findCandidates(database.db, { ...query, vector }, sizes[size]);
        const foundIds = found.map(({ id }) => id);
        expect(new Set(foundIds).size).toBe(foundIds.length);
        expect(foundIds.filter((id) => !ids.includes(id))).toEqual([]);
        expect(foundIds.length).toBeGreaterThanOrEqual(Math.min(limit, ids.length));
        if (vector === undefined) continue;
        const nearest = all.filter(({ distance }) => distance !== null).slice(0, limit);
        const missed = nearest.filter(({ id }) => !foundIds.includes(id));
        // A graph may miss some.
        expect(missed.length).toBeLessThanOrEqual(layout === 'none' ? 0 : 2);
      }
    });
  });
});

test('in the mode vector words are required, and find nothing', async () => {
  const query = await queryOf({ text: '+"text 7"', matching: '' }, noSegments);
  const found = await findCandidates(database.db, { ...query, byWords: false });
  expect(found).toHaveLength(1);
});

test('a filter that indexes answer is none that is looked up first', async () => {
  const few: FewMessages = { ...fewMessages, byWords: 5, byVector: 400 };
  const plain = await queryOf({ matching: '' }, noSegments);
  const isLookedUpFirst = async (filter: Partial<CandidateFilter>) => {
    const recorder = recordQueries(database.db);
    await findCandidates(recorder.db, { ...plain, filter: { ...noFilter, ...filter } }, few);
    return recorder.takeStatements().join('').includes('filter_is_selective');
  };
  const cheap = [
    {},
    { roles: ['user'] as const },
    { metadata: { share: 'half' } },
    where({ key: 'share', eq: 'half' }),
  ];
  for (const filter of cheap) expect(await isLookedUpFirst(filter)).toBe(false);
  const list = Array.from({ length: 9 }, (_, n) => n);
  const costly = [where({ key: 'share', ne: 'half' }), where({ key: 'share', in: list }), where({ key: 'n', lt: 1 })];
  for (const filter of costly) expect(await isLookedUpFirst(filter)).toBe(true);
});

test('a filter that no index serves is compared with the newest messages alone, and that is known', async () => {
  const few: FewMessages = { ...fewMessages, byWords: 500, compared: 550 };
  const plain = await queryOf({ matching: '' }, noSegments);
  const find = async (filter: Partial<CandidateFilter>) => {
    const query = { ...plain, filter: { ...noFilter, ...filter } };
    const found = await findCandidates(database.db, query, few);
    return { isPartial: comparesNewest(query, few), found: found.map(({ id }) => Number.parseInt(id.slice(-12), 16)) };
  };
  const range = { key: 'share', gte: 'rare', lt: 'rarf' };
  const rare = { key: 'share', in: ['rare'] };
  // Of messages 3, 203 and 403 none is among the newest 550 but the last two.
  expect(await find(where(range))).toEqual({ isPartial: true, found: expect.arrayContaining([203, 403]) });
  expect((await find(where(range))).found).toHaveLength(2);
  for (const filter of [where({ and: [range, rare] }), { ...where(range), metadata: { share: 'rare' } }, where(rare)]) {
    const { isPartial, found } = await find(filter);
    expect(isPartial).toBe(false);
    expect(found.toSorted((a, b) => a - b)).toEqual([3, 203, 403]);
  }
  expect(comparesNewest({ ...plain, filter: { ...noFilter, ...where(range) } })).toBe(false);
});
