import { instantOf } from '@memory-layer/shared/time/instant';
import type { Schema } from '@memory-layer/shared/db/schema';
import { compiledSql } from '@memory-layer/shared/testing/compiled-sql';
import type { Kysely } from 'kysely';
import { expect, test } from 'vitest';
import type { LexicalQuery } from '../plan/lexical-query.ts';
import {
  createSearchPlan,
  planTenant,
  type CandidateFilter,
  type SearchPlan,
  type SearchPlanParts,
} from '../plan/search-plan.ts';
import { noFilter } from '../plan/testing/no-filter.ts';
import { parseMetadataFilter } from '../query/parse-metadata-filter.ts';
import { createLexicalRepository } from '../stats/lexical.repository.ts';
import { createReadySegmentsRepository } from '../stats/ready-segments.repository.ts';
import { noSegments, type ReadySegments } from '../stats/segment-directory.ts';
import { TermStatistics } from '../stats/term-statistics.ts';
import { sampleOf } from '../stats/testing/sample-of.ts';
import { createSearchRepository, type SearchRepository } from './search.repository.ts';

const tenantId = 'acme';
const partition = 3;
const vector = Float32Array.of(0.6, 0.8, 0, 0);
const idOf = (n: number) => `01900000-0000-7000-8000-${String(n).padStart(12, '0')}`;

const searchStatement = (run: (repository: SearchRepository) => Promise<unknown>) =>
  compiledSql((db) => run(createSearchRepository({ queries: db, prepared: db })));

const rare = { term: 'lisbon', weight: 4.5, isSaid: true };
const common = { term: 'garden', weight: 1.5, isSaid: true };
const phrase = { query: `'red' <-> 'boat'`, weight: 4.5 };
const noClauses = { must: [], mustNot: [], words: 0 };
const clauses = { must: [`'red' <-> 'boat'`], mustNot: [`'car'`], words: 3 };

/** Where `messages` are more than the statistics say of words, they are a sample. */
function wordsOf(parts: Partial<LexicalQuery>, messages: number): LexicalQuery {
  const statistics = new TermStatistics(sampleOf([['lisbon', 'garden'], ['garden'], ['boat']], messages));
  return { tenantId, terms: [rare, common], phrases: [], clauses: noClauses, statistics, ...parts };
}

interface Shape {
  readonly filter?: Partial<CandidateFilter>;
  readonly segments?: ReadySegments;
  readonly words?: Partial<LexicalQuery>;
  readonly messages?: number;
  readonly parts?: Partial<SearchPlanParts>;
}

function planOf({ filter, segments = noSegments, words = {}, messages = 1000, parts }: Shape): SearchPlan {
  return createSearchPlan({
    tenant: planTenant(tenantId, { messages: segments.segments.length > 0 ? Infinity : messages, partition }),
    generation: 1,
    vector,
    segments,
    lexical: wordsOf(words, messages),
    byWords: true,
    limit: 60,
    filter: { ...noFilter, ...filter },
    ...parts,
  });
}

const segments: ReadySegments = {
  segments: [
    { afterId: idOf(0), throughId: idOf(40_000), vectors: 60_000 },
    { afterId: idOf(40_000), throughId: idOf(80_000), vectors: 60_000 },
  ],
  rowsPerMessage: 1.5,
  sample: [idOf(10_000), idOf(50_000)],
};
const large = { segments, messages: 90_000 };

const where = (filter: unknown): Partial<CandidateFilter> => {
  const parsed = parseMetadataFilter(filter);
  return parsed.ok ? { where: parsed.filter } : expect.fail('no filter');
};
const columns = {
  conversationIds: ['c-1'],
  roles: ['user'],
  createdAfter: instantOf(new Date('2026-01-01T00:00:00Z')),
  createdBefore: instantOf(new Date('2026-02-01T00:00:00Z')),
  importanceMin: 0.1,
  importanceMax: 0.9,
  throughId: idOf(7),
} as const;
const similarity = { tenantId, generation: 1, min: 0.3, vector };
const listed = { key: 'topic', in: Array.from({ length: 20 }, (_, n) => `topic ${n}`) };

/** Of long messages, of which many have a word. */
const long = new TermStatistics(sampleOf([['lisbon', ...Array.from({ length: 8000 }, (_, n) => `w${n}`)]], 1000));

const shapes: Readonly<Record<string, Shape>> = {
  hybrid: {},
  lexical: { parts: { vector: undefined } },
  vector: { parts: { byWords: false } },
  long: { words: { statistics: long } },
  phrase: { words: { phrases: [phrase] } },
  clauses: { words: { clauses } },
  'clauses-alone': { words: { terms: [], clauses } },
  columns: { filter: columns },
  metadata: { filter: { metadata: { topic: 'work' }, ...where({ and: [listed, { key: 'due', lt: '2026-07-01' }] }) } },
  large,
  'large-columns': { ...large, filter: columns },
  'large-range': { ...large, filter: where({ key: 'due', gte: 5, lt: 9 }) },
  'large-range-newest': { ...large, messages: 900_000, filter: where({ not: { key: 'due', exists: true } }) },
  'large-list': { ...large, filter: where(listed) },
  'large-similarity': { ...large, filter: { similarity, metadata: { topic: 'work' } }, words: { clauses } },
  'large-clauses-alone': { ...large, words: { terms: [], clauses }, filter: where({ key: 'due', gte: 5 }) },
};

test.each(Object.entries(shapes))('candidates, %s', async (name, shape) => {
  const text = await searchStatement((repository) => repository.findCandidates(planOf(shape)));
  await expect(text).toMatchFileSnapshot(`__sql__/candidates-${name}.sql`);
});

test.each<[string, Shape]>([
  ['hybrid', {}],
  ['lexical', { parts: { vector: undefined } }],
  ['large-filtered', { ...large, filter: { ...columns, metadata: { topic: 'work' } }, words: { clauses } }],
])('the messages around candidates, %s', async (name, shape) => {
  const text = await searchStatement((repository) => repository.findNeighbourhood(planOf(shape), [idOf(1), idOf(2)]));
  await expect(text).toMatchFileSnapshot(`__sql__/context-${name}.sql`);
});

test.each([
  ['with similarity', 'hits', vector],
  ['without', 'hits-lexical', undefined],
] as const)('hits, %s', async (_, name, plain) => {
  const text = await searchStatement((repository) => repository.getHits(planOf({}), [idOf(1), idOf(2)], plain));
  await expect(text).toMatchFileSnapshot(`__sql__/${name}.sql`);
});

test('the messages shown around hits', async () => {
  const text = await searchStatement((repository) =>
    repository.listNeighbours({ tenantId, ids: [idOf(1), idOf(2)], count: 2 }),
  );
  await expect(text).toMatchFileSnapshot('__sql__/neighbours.sql');
});

test('the vectors that hits are compared by', async () => {
  const text = await searchStatement((repository) =>
    repository.listMeanVectors({ tenantId, generation: 1, ids: [idOf(1), idOf(2)] }),
  );
  await expect(text).toMatchFileSnapshot('__sql__/mean-vectors.sql');
});

test('what candidates say that may say the same', async () => {
  const text = await searchStatement((repository) =>
    repository.listTexts({ tenant: planTenant(tenantId, { messages: 1000, partition }), ids: [idOf(1), idOf(2)] }),
  );
  await expect(text).toMatchFileSnapshot('__sql__/texts.sql');
});

const text = { words: 'the garden in lisbon', phrases: ['red boat'], required: ['ana'], excluded: ['car'] };

test.each<[string, (db: Kysely<Schema>) => Promise<unknown>]>([
  ['parsed-query', (db) => createLexicalRepository(db).parse(text)],
  ['word-sample', (db) => createLexicalRepository(db).sample(tenantId)],
  ['segments', (db) => createReadySegmentsRepository(db).listSegments(tenantId, 1)],
  ['vector-sample', (db) => createReadySegmentsRepository(db).takeSample(tenantId, 1, 500)],
])('statistics: %s', async (name, run) => {
  await expect(await compiledSql(run)).toMatchFileSnapshot(`__sql__/${name}.sql`);
});
