import { TenantPartitions } from '@memory-layer/shared/db/tenant-partitions.repository';
import { instantOf } from '@memory-layer/shared/time/instant';
import type { Schema } from '@memory-layer/shared/db/schema';
import { systemClock } from '@memory-layer/shared/lifecycle/clock';
import { startTestDatabase, type TestDatabase } from '@memory-layer/shared/testing/test-database';
import { sql, type Kysely } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createMessageRepository } from '../../message/message.repository.ts';
import { recordQueries } from '../../testing/record-queries.ts';
import { createLexicalIndex } from '../plan/lexical-query.ts';
import { createSearchPlan, planTenant, type CandidateFilter, type SearchPlanParts } from '../plan/search-plan.ts';
import { noFilter } from '../plan/testing/no-filter.ts';
import { parseOperators } from '../query/parse-query.ts';
import { createLexicalRepository } from '../stats/lexical.repository.ts';
import { noSegments } from '../stats/segment-directory.ts';
import { createSearchRepository } from './search.repository.ts';

const generation = 1;
const tenantId = 'mine';
/** Two tenants with a history long enough that the planner has a choice to make. */
async function fill(db: Kysely<Schema>): Promise<void> {
  await sql`
    insert into message (tenant_id, id, conversation_id, role, content, metadata, importance, content_hash, created_at, updated_at,
                         search_language, search_vector)
    select tenant_id, gen_random_uuid(), 'c-' || n % 4, 'user', 'words about subject' || n % 300, jsonb_build_object('n', n % 100),
           n % 10 / 10.0, decode('00', 'hex'), now() - make_interval(mins => n), now(), 'english 3', to_tsvector('english', 'words about subject' || n % 300)
    from unnest(array['mine', 'other']) tenant_id, generate_series(1, 1500) n`.execute(db);
  await sql`
    insert into embedding (tenant_id, message_id, generation, passage_no, vector, conversation_id, role, importance, created_at)
    select tenant_id, id, ${sql.lit(generation)}, 0, array_fill(0.1, array[32])::vector::halfvec, conversation_id, role, importance,
           created_at
    from message`.execute(db);
  await sql`
    insert into embedding_pending (tenant_id, message_id, generation, content_hash)
    select tenant_id, id, ${sql.lit(generation)}, content_hash from message`.execute(db);
  // What autovacuum does in time.
  await sql`select gin_clean_pending_list(oid) from pg_class where relkind = 'i' and relname like 'message_p%search_vector_idx'`.execute(
    db,
  );
  await sql`analyze`.execute(db);
}

let database: TestDatabase;
let query: SearchPlanParts;
let id: string;
beforeAll(async () => {
  database = await startTestDatabase();
  await fill(database.db);
  const lexicalIndex = createLexicalIndex({
    repository: createLexicalRepository(database.db),
    clock: systemClock,
    onError: (error) => expect.fail(error.message),
  });
  query = {
    tenant: planTenant(tenantId, { messages: 1 }),
    generation,
    vector: new Float32Array(32).fill(0.1),
    segments: noSegments,
    lexical: await lexicalIndex.prepare(tenantId, parseOperators('subject7')),
    byWords: true,
    limit: 200,
    filter: noFilter,
  };
  const row = await database.db
    .selectFrom('message')
    .select('id')
    .where('tenant_id', '=', tenantId)
    .executeTakeFirstOrThrow();
  id = row.id;
});
afterAll(() => database.stop());

/** The plans of what is run, without scans of whole tables: they are right while tables are as small as a test's. */
async function plansOf(run: (db: Kysely<Schema>) => Promise<unknown>): Promise<string[]> {
  return database.db.transaction().execute(async (transaction) => {
    await sql`set local enable_seqscan to off`.execute(transaction);
    const recorder = recordQueries(transaction);
    await run(recorder.db);
    return recorder.explainAll();
  });
}

/** Every query reads the one partition that the tenant is in, and its messages by index. */
function expectIndexed(plans: readonly string[]): void {
  expect(plans).not.toEqual([]);
  for (const plan of plans) {
    expect(plan).not.toMatch(/Seq Scan on message/);
    expect(new Set(plan.match(/(?<=message_p)\d+/g)).size).toBeLessThanOrEqual(1);
    expect(new Set(plan.match(/(?<=embedding_p)\d+/g)).size).toBeLessThanOrEqual(1);
  }
}

const conversationIndex =
  /Index (Only )?Scan( Backward)? using message_p\d+_tenant_id_conversation_id_created_at_id_idx/;
const historyIndex = /Index (Only )?Scan( Backward)? using message_p\d+_tenant_id_created_at_id_idx/;

describe('messages', () => {
  // Known, as to a process that has read of the tenant before.
  let partitions: TenantPartitions;
  beforeAll(async () => {
    partitions = new TenantPartitions(database.db);
    await partitions.get(tenantId);
  });
  const page = {
    tenantId,
    conversationId: undefined,
    order: 'asc',
    after: undefined,
    limit: 51,
    generation,
  } as const;
  const after = { createdAt: instantOf(new Date(Date.now() - 43_200_000)), id: '0192f0c1-2a3b-7c4d-8e5f-6a7b8c9d0e1f' };

  test.each(['asc', 'desc'] as const)('a history is read in the order of its index, %s', async (order) => {
    for (const cursor of [undefined, { ...after, order }]) {
      const lists = await plansOf(async (db) => {
        const messages = createMessageRepository(db, partitions);
        await messages.list({ ...page, order, conversationId: 'c-3', after: cursor });
        await messages.list({ ...page, order, after: cursor });
      });
      expectIndexed(lists);
      expect(lists[0]).toMatch(conversationIndex);
      expect(lists[1]).toMatch(historyIndex);
      expect(lists.join('')).not.toContain('Sort Key');
    }
  });

  test('one is read and deleted by its key', async () => {
    const plans = await plansOf(async (db) => {
      const messages = createMessageRepository(db, partitions);
      await messages.findById(tenantId, id, generation);
      await messages.deleteById(tenantId, '0192f0c1-2a3b-7c4d-8e5f-6a7b8c9d0e1f', undefined);
    });
    expect(plans).toHaveLength(2);
    expectIndexed(plans);
    for (const plan of plans) expect(plan).toMatch(/message_p\d+_pkey/);
  });
});

describe('search', () => {
  test('candidates by words come from the index of words', async () => {
    const plans = await plansOf((db) =>
      createSearchRepository({ queries: db, prepared: db }).findCandidates(
        createSearchPlan({ ...query, vector: undefined }),
      ),
    );
    expectIndexed(plans);
    expect(plans[0]).toMatch(/Bitmap Index Scan on message_p\d+_message_scope_search_vector_idx/);
  });

  const everything = {
    conversationIds: ['c-3'],
    roles: ['user'],
    importanceMin: 0.1,
    createdAfter: instantOf(new Date(0)),
    createdBefore: instantOf(new Date('9999-01-01')),
    metadata: { n: 7 },
  } as const;

  test.each<[string, Partial<CandidateFilter>]>([
    ['nothing', {}],
    ['conversations', { conversationIds: ['c-3'] }],
    ['everything', everything],
  ])('candidates by both, filtered by %s, are read by index', async (_, filter) => {
    const filtered = createSearchPlan({ ...query, filter: { ...noFilter, ...filter } });
    const plans = await plansOf(async (db) => {
      expect(
        (await createSearchRepository({ queries: db, prepared: db }).findCandidates(filtered)).length,
      ).toBeGreaterThan(0);
    });
    expectIndexed(plans);
    expect(plans[0]).toMatch(/Index (Only )?Scan (using|on) embedding_p\d+_/);
    expect(plans[0]).not.toContain('Seq Scan on embedding');
  });

  test('neighbours are read from the index of their conversation', async () => {
    const plans = await plansOf(async (db) => {
      const { candidates } = await createSearchRepository({ queries: db, prepared: db }).findNeighbourhood(
        createSearchPlan(query),
        [id],
      );
      expect(candidates.length).toBeGreaterThan(1);
    });
    expect(plans).toHaveLength(1);
    expectIndexed(plans);
    expect(plans[0]?.match(new RegExp(conversationIndex, 'g'))).toHaveLength(2);
  });

  test('texts to compare are read by their key', async () => {
    const plans = await plansOf(async (db) => {
      const repository = createSearchRepository({ queries: db, prepared: db });
      expect(await repository.listTexts({ tenant: query.tenant, ids: [id] })).toHaveLength(1);
    });
    expectIndexed(plans);
    expect(plans[0]).toMatch(/message_p\d+_pkey/);
  });

  test('hits are read by their key', async () => {
    const plans = await plansOf((db) =>
      createSearchRepository({ queries: db, prepared: db }).getHits(query, [id], query.vector),
    );
    expectIndexed(plans);
    expect(plans[0]).toMatch(/message_p\d+_pkey/);
    expect(plans[0]).toMatch(/embedding_p\d+_pkey/);
  });
});
