import { systemClock } from '@memory-layer/shared/lifecycle/clock';
import { startTestDatabase, type TestDatabase } from '@memory-layer/shared/testing/test-database';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { recordQueries } from '../../testing/record-queries.ts';
import { createLexicalIndex } from '../plan/lexical-query.ts';
import { createSearchPlan, planTenant } from '../plan/search-plan.ts';
import { noFilter } from '../plan/testing/no-filter.ts';
import { parseOperators } from '../query/parse-query.ts';
import { createLexicalRepository } from '../stats/lexical.repository.ts';
import { noSegments } from '../stats/segment-directory.ts';
import { delimiters } from '../stats/term-statistics.ts';
import { createSearchRepository } from './search.repository.ts';

const tenantId = 'bounded';
let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
  await sql`
    insert into message (tenant_id, id, conversation_id, role, content, metadata, importance, content_hash, created_at, updated_at,
                         search_language, search_vector)
    select ${tenantId}, gen_random_uuid(), 'c', 'user', 'entry' || n || ' is my apple' || n % 7, '{}', 0.2, '', now(), now(), 'english 3', to_tsvector('english', 'entry' || n || ' is my apple' || n % 7)
    from generate_series(1, 300) n`.execute(database.db);
});
afterAll(() => database.stop());

const lexicalIndex = () =>
  createLexicalIndex({
    repository: createLexicalRepository(database.db),
    clock: systemClock,
    onError: (error) => expect.fail(error.message),
  });

test.each([
  'apple3 -me -my -myself',
  'apple3 +"to be or not to be"',
  '"to be or not"',
  '-me',
  '+"my apple3" -"is my apple4" "entry5 is"',
])('no statement of a search for %j looks for a pattern in what is stored', async (text) => {
  const recorder = recordQueries(database.db);
  const repository = createSearchRepository({ queries: recorder.db, prepared: recorder.db });
  const plan = createSearchPlan({
    tenant: planTenant(tenantId, { messages: 1 }),
    generation: 1,
    vector: new Float32Array(8).fill(0.1),
    segments: noSegments,
    lexical: await lexicalIndex().prepare(tenantId, parseOperators(text)),
    byWords: true,
    limit: 60,
    filter: { ...noFilter, metadata: { a: 1 } },
  });
  const found = await repository.findCandidates(plan);
  await repository.findNeighbourhood(plan, [...found.map(({ id }) => id), '0192f0c1-2a3b-7c4d-8e5f-6a7b8c9d0e1f']);
  const statements = recorder.takeStatements();
  expect(statements).toHaveLength(2);
  for (const statement of statements) expect(statement).not.toMatch(/~|regexp|like_regex|similar to|\bi?like\b/i);
});

test('of 2 500 words of a query at most 32 are looked for in the sample of messages', async () => {
  const words = Array.from({ length: 2500 }, (_, n) => (n < 300 ? `entry${n}` : `unknown${n}`));
  const indexOf = vi.spyOn(String.prototype, 'indexOf');
  const query = await lexicalIndex().prepare(tenantId, parseOperators(words.join(' ')));
  const looked = indexOf.mock.calls
    .map(([wanted]) => wanted)
    .filter((wanted) => wanted.length > 1 && wanted.startsWith(delimiters.word));
  indexOf.mockRestore();
  expect(query.terms).toHaveLength(32);
  expect(looked).not.toEqual([]);
  expect(new Set(looked).size).toBeLessThanOrEqual(32);
});
