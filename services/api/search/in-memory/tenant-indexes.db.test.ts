import { appendMessageEvents } from '@memory-layer/shared/events/append-message-events.sql';
import type { Schema } from '@memory-layer/shared/db/schema';
import { systemClock } from '@memory-layer/shared/lifecycle/clock';
import { eventually } from '@memory-layer/shared/testing/eventually';
import { nonEmpty } from '@memory-layer/shared/testing/non-empty';
import { startTestDatabase, type TestDatabase } from '@memory-layer/shared/testing/test-database';
import { instantOf } from '@memory-layer/shared/time/instant';
import { sql, type Kysely } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createLexicalIndex, type LexicalIndex } from '../plan/lexical-query.ts';
import { createSearchPlan, planTenant, type CandidateFilter, type SearchPlan } from '../plan/search-plan.ts';
import { noFilter } from '../plan/testing/no-filter.ts';
import { parseOperators } from '../query/parse-query.ts';
import type { Candidate } from '../ranking/candidate.ts';
import { createSearchRepository, type SearchRepository } from '../sql/search.repository.ts';
import { addMessages, dimension, generation, idOf } from '../sql/testing/vectors.ts';
import { createLexicalRepository } from '../stats/lexical.repository.ts';
import { noSegments } from '../stats/segment-directory.ts';
import { createInMemorySearch, isForIndex } from './in-memory-search.ts';
import { createTenantIndexRepository } from './tenant-index.repository.ts';
import type { TenantIndex } from './tenant-index.ts';
import { TenantIndexes, type TenantIndexesOptions } from './tenant-indexes.ts';

let database: TestDatabase;
let repository: SearchRepository;
let lexicalIndex: LexicalIndex;
let tenants = 0;
beforeAll(async () => {
  database = await startTestDatabase();
  const db = database.db;
  repository = createSearchRepository({ queries: db, prepared: db });
  const onError = (error: Error) => expect.fail(error.message);
  lexicalIndex = createLexicalIndex({ repository: createLexicalRepository(db), clock: systemClock, onError });
});
afterAll(() => database.stop());

interface PlanParts {
  readonly text?: string;
  readonly direction?: number;
  readonly byWords?: boolean;
  readonly limit?: number;
  readonly filter?: Partial<CandidateFilter>;
}

async function planFor(tenantId: string, parts: PlanParts = {}): Promise<SearchPlan> {
  const { text = 'text', direction = 1, byWords = true, limit = 20, filter } = parts;
  const plan = createSearchPlan({
    tenant: planTenant(tenantId, { messages: 1 }),
    generation,
    vector: direction === 0 ? undefined : Float32Array.from({ length: dimension }, (_, i) => Math.cos(direction * i)),
    segments: noSegments,
    lexical: await lexicalIndex.prepare(tenantId, parseOperators(text)),
    byWords,
    limit,
    filter: { ...noFilter, ...filter },
  });
  // The last step alone misses nothing, as the index does not.
  return { ...plan, words: plan.words && { ...plan.words, steps: plan.words.steps.slice(-1) } };
}

function createIndexes(options: Partial<TenantIndexesOptions> = {}): TenantIndexes {
  return new TenantIndexes({
    repository: createTenantIndexRepository({ queries: database.db, prepared: database.db }),
    clock: systemClock,
    maxBytes: 64_000_000,
    dimension: () => dimension,
    onError: (error) => expect.fail(String(error)),
    ...options,
  });
}

const openIn = (indexes: TenantIndexes, tenantId: string) =>
  indexes.open({ tenant: planTenant(tenantId, { messages: 1 }), generation });

/** Searches the tenant until its index is loaded. */
async function load(indexes: TenantIndexes, tenantId: string): Promise<TenantIndex> {
  let index: TenantIndex | undefined;
  await eventually(async () => {
    index = await openIn(indexes, tenantId);
    expect(index).toBeDefined();
  });
  if (index === undefined) throw new Error('not loaded');
  return index;
}

/** A tenant of its own, whose messages have words in common and often more than once. */
async function addTenant(messages: number): Promise<string> {
  tenants += 1;
  const tenantId = `tenant-${tenants}`;
  await addMessages(database.db, tenantId, messages);
  await sql`
    update message m set search_vector = to_tsvector('english', concat_ws(' ', m.content,
      repeat('apple ', n % 4), repeat('pear ', n % 7 % 3), repeat('long words ', n % 13)))
    from (select id, substr(content, 6)::int as n from message where tenant_id = ${tenantId}) numbered
    where m.tenant_id = ${tenantId} and m.id = numbered.id`.execute(database.db);
  return tenantId;
}

const inOrder = (candidates: readonly Candidate[]) => candidates.toSorted((a, b) => (a.id < b.id ? -1 : 1));

/** The same candidates, but for what numbers of single precision are off by. */
const alike = (candidates: readonly Candidate[]) =>
  inOrder(candidates).map(({ vectorScore, termScores, ...candidate }) => ({
    ...candidate,
    vectorScore: vectorScore && expect.closeTo(vectorScore, 5),
    termScores: termScores.map((score) => expect.closeTo(score, 5)),
  }));

describe('a search in memory finds what the database finds', () => {
  let tenantId: string;
  let index: TenantIndex;
  beforeAll(async () => {
    tenantId = await addTenant(400);
    // One without vectors, one that has expired.
    await sql`delete from embedding where tenant_id = ${tenantId} and message_id = ${idOf(16)}`.execute(database.db);
    await sql`update message set expires_at = now() where tenant_id = ${tenantId} and id = ${idOf(18)}`.execute(
      database.db,
    );
    await sql`update embedding set expires_at = now() where tenant_id = ${tenantId} and message_id = ${idOf(18)}`.execute(
      database.db,
    );
    index = await load(createIndexes(), tenantId);
  });

  test.each<[string, PlanParts]>([
    ['by words and vectors', { text: 'apple pear' }],
    ['by other words', { text: 'long apple 17 nobody', direction: 2 }],
    ['by vectors alone', { byWords: false, direction: 3 }],
    ['by words alone', { text: 'pear text', direction: 0 }],
    ['without words that say something', { text: 'the', direction: 0.3 }],
    ['all there are', { text: 'apple', limit: 1000 }],
    ['one', { text: 'apple', limit: 1 }],
    ['of a conversation', { text: 'apple', filter: { conversationIds: ['half', 'nobody'] } }],
    ['of a role', { text: 'apple pear', filter: { roles: ['assistant'] } }],
    ['of some importance', { text: 'apple', filter: { importanceMin: 0.3, importanceMax: 0.6 } }],
    [
      'of a time, whose end is not part of it',
      {
        text: 'apple',
        filter: {
          createdAfter: instantOf(new Date('2024-01-01T01:00:00Z')),
          createdBefore: instantOf(new Date('2024-01-01T02:00:00Z')),
        },
      },
    ],
    ['of the first page', { text: 'pear', filter: { throughId: idOf(100) } }],
    ['where none passes', { text: 'pear', filter: { conversationIds: ['nobody'] } }],
  ])('%s', async (_, parts) => {
    const plan = await planFor(tenantId, parts);
    expect(isForIndex(plan)).toBe(true);
    const search = createInMemorySearch(index, plan);
    const found = search.findCandidates();
    const expected = await repository.findCandidates(plan);
    expect(inOrder(found)).toEqual(alike(expected));
    const ids = found.slice(0, 12).map(({ id }) => id);
    const around = search.findNeighbourhood(ids);
    const wanted = await repository.findNeighbourhood(plan, ids);
    expect(inOrder(around.candidates)).toEqual(alike(wanted.candidates));
    for (const { id } of wanted.candidates) {
      const { earlierOf, laterOf, similarityBetween } = wanted.neighbourhood;
      expect(around.neighbourhood.earlierOf(id)).toBe(earlierOf(id));
      expect(around.neighbourhood.laterOf(id)).toBe(laterOf(id));
      const [earlier, later] = [earlierOf(id), laterOf(id)];
      for (const [one, other] of [[earlier, id] as const, [earlier, later] as const]) {
        const similarity = similarityBetween(one, other);
        const own = around.neighbourhood.similarityBetween(one, other);
        expect(own).toEqual(similarity && expect.closeTo(similarity, 5));
      }
    }
  });

  test.each<[string, PlanParts]>([
    ['a phrase', { text: '"apple pear"' }],
    ['an exclusion', { text: 'apple -pear' }],
    ['metadata', { filter: { metadata: { share: 'half' } } }],
  ])('%s is left to the database', async (_, parts) => {
    expect(isForIndex(await planFor(tenantId, parts))).toBe(false);
  });
});

describe('an index is up to date with each search', () => {
  let indexes: TenantIndexes;
  let tenantId: string;
  let index: TenantIndex;
  beforeEach(async () => {
    indexes = createIndexes();
    tenantId = await addTenant(40);
    index = await load(indexes, tenantId);
  });

  /** What the index finds now. */
  async function found(parts: PlanParts = {}): Promise<Candidate[]> {
    const opened = await openIn(indexes, tenantId);
    expect(opened).toBe(index);
    return createInMemorySearch(index, await planFor(tenantId, { limit: 1000, ...parts })).findCandidates();
  }

  /** As the api stores a message, and as an embed worker completes it. */
  async function store(db: Kysely<Schema>, number: number): Promise<void> {
    await addMessages(db, tenantId, number, number);
    await sql`delete from embedding where tenant_id = ${tenantId} and message_id = ${idOf(number)}`.execute(db);
    await sql`insert into embedding_pending (tenant_id, message_id, generation, content_hash)
      values (${tenantId}, ${idOf(number)}, ${generation}, '')`.execute(db);
  }

  async function complete(db: Kysely<Schema>, number: number): Promise<void> {
    await sql`insert into embedding (tenant_id, message_id, generation, passage_no, vector, conversation_id, role, importance, created_at)
      select tenant_id, id, ${generation}, 0, '[1,0,0,0,0,0,0,0]', conversation_id, role, importance, created_at
      from message where tenant_id = ${tenantId} and id = ${idOf(number)}`.execute(db);
    await sql`delete from embedding_pending where tenant_id = ${tenantId} and message_id = ${idOf(number)}`.execute(db);
    await appendMessageEvents(db, [{ tenantId, type: 'message.embedded', messageIds: [idOf(number)] }]);
  }

  async function remove(db: Kysely<Schema>, number: number): Promise<void> {
    await sql`delete from message where tenant_id = ${tenantId} and id = ${idOf(number)}`.execute(db);
    await sql`delete from embedding where tenant_id = ${tenantId} and message_id = ${idOf(number)}`.execute(db);
    await appendMessageEvents(db, [{ tenantId, type: 'message.deleted', messageIds: [idOf(number)] }]);
  }

  const candidate = async (number: number) => (await found()).find(({ id }) => id === idOf(number));

  test('a message is found by its words once it is stored, and by its vector once it has one', async () => {
    await database.db.transaction().execute((transaction) => store(transaction, 41));
    expect(await candidate(41)).toMatchObject({ vectorScore: undefined, termScores: [expect.any(Number)] });
    await database.db.transaction().execute((transaction) => complete(transaction, 41));
    expect((await candidate(41))?.vectorScore).toBeGreaterThan(0.1);
    expect(index.count).toBe(41);
  });

  test('a message that was deleted is not found, nor does it stand beside another one', async () => {
    await database.db.transaction().execute((transaction) => remove(transaction, 20));
    expect(await candidate(20)).toBeUndefined();
    const search = createInMemorySearch(index, await planFor(tenantId));
    const { neighbourhood } = search.findNeighbourhood([idOf(22)]);
    expect(neighbourhood.earlierOf(idOf(22))).toBe(idOf(18));
  });

  test('a message that was stored and deleted between two searches is not found', async () => {
    await database.db.transaction().execute((transaction) => store(transaction, 41));
    await database.db.transaction().execute((transaction) => complete(transaction, 41));
    await database.db.transaction().execute((transaction) => remove(transaction, 41));
    expect(await candidate(41)).toBeUndefined();
  });

  test('a message expires when its time comes', async () => {
    await database.db.transaction().execute(async (transaction) => {
      await store(transaction, 41);
      await sql`update message set expires_at = clock_timestamp() + interval '300 ms'
        where tenant_id = ${tenantId} and id = ${idOf(41)}`.execute(transaction);
    });
    expect(await candidate(41)).toBeDefined();
    await eventually(async () => expect(await candidate(41)).toBeUndefined());
  });

  test('searches that come together ask the database once, those that come meanwhile once more', async () => {
    let looks = 0;
    const real = createTenantIndexRepository({ queries: database.db, prepared: database.db });
    const counted = createIndexes({
      repository: { ...real, readChanges: (...args) => ((looks += 1), real.readChanges(...args)) },
    });
    await load(counted, tenantId);
    looks = 0;
    const first = Array.from({ length: 10 }, () => openIn(counted, tenantId));
    await eventually(() => expect(looks).toBe(1));
    const second = Array.from({ length: 10 }, () => openIn(counted, tenantId));
    expect(nonEmpty(await Promise.all([...first, ...second])).every((opened) => opened !== undefined)).toBe(true);
    expect(looks).toBe(2);
  });

  test('what many changed at once is left to the database, and the index is made anew', async () => {
    await addMessages(database.db, tenantId, 900, 101);
    await sql`insert into embedding_pending (tenant_id, message_id, generation, content_hash)
      select tenant_id, id, ${generation}, '' from message where tenant_id = ${tenantId} and id > ${idOf(100)}`.execute(
      database.db,
    );
    expect(await openIn(indexes, tenantId)).toBeUndefined();
    expect(index.isClosed).toBe(true);
    expect(indexes.state).toEqual({ tenants: 0, bytes: 0 });
    await sql`delete from embedding_pending where tenant_id = ${tenantId}`.execute(database.db);
    expect((await load(indexes, tenantId)).count).toBe(840);
  });

  test('while words are read again, the database is asked', async () => {
    await sql`insert into search_language (language, state) values ('english 1', 'old')`.execute(database.db);
    expect(await openIn(indexes, tenantId)).toBeUndefined();
    await sql`delete from search_language where language = 'english 1'`.execute(database.db);
    expect(index.isClosed).toBe(true);
  });

  test('events that were pruned before they were read are not missed', async () => {
    await database.db.transaction().execute((transaction) => remove(transaction, 20));
    await sql`delete from message_event where tenant_id = ${tenantId}`.execute(database.db);
    await sql`insert into message_event_pruned (transaction_id, event_id)
      values ((pg_snapshot_xmax(pg_current_snapshot())::text::bigint - 1)::text::xid8, 0)`.execute(database.db);
    expect(await openIn(indexes, tenantId)).toBeUndefined();
    await sql`delete from message_event_pruned`.execute(database.db);
  });

  test.runIf(process.env['TEST_DATABASE_URL'] !== undefined)(
    'what is committed late, after what began later, is not missed',
    async () => {
      const late = await database.db.startTransaction().execute();
      await store(late, 41);
      await database.db.transaction().execute((transaction) => remove(transaction, 20));
      expect(await candidate(20)).toBeUndefined();
      expect(await candidate(41)).toBeUndefined();
      await database.db.transaction().execute((transaction) => remove(transaction, 22));
      expect(await candidate(22)).toBeUndefined();
      await late.commit().execute();
      expect(await candidate(41)).toBeDefined();
    },
  );
});

describe('memory is bounded', () => {
  test('a tenant that needs more than its share is not loaded', async () => {
    const tenantId = await addTenant(200);
    const indexes = createIndexes({ maxBytes: 100_000 });
    for (let count = 0; count < 10; count += 1) expect(await openIn(indexes, tenantId)).toBeUndefined();
    await indexes.stop();
    expect(indexes.state).toEqual({ tenants: 0, bytes: 0 });
  });

  test('a tenant gives way to another one when nobody has searched it for a while, not before', async () => {
    let now = Date.parse('2026-01-01');
    // Room for one of them.
    const [one, other] = [await addTenant(200), await addTenant(200)];
    const probe = createIndexes();
    await load(probe, one);
    const { bytes } = probe.state;
    const indexes = createIndexes({ maxBytes: 4 * bytes + 1000, clock: { now: () => new Date(now) } });
    const more = await Promise.all([3, 4, 5].map(() => addTenant(200)));
    for (const tenantId of [one, ...more]) await load(indexes, tenantId);
    const before = indexes.state;
    expect(before.tenants).toBe(4);
    for (let count = 0; count < 10; count += 1) expect(await openIn(indexes, other)).toBeUndefined();
    now += 11 * 60_000;
    await openIn(indexes, more[0] ?? '');
    await load(indexes, other);
    expect(indexes.state.tenants).toBe(4);
    expect(await openIn(indexes, more[0] ?? '')).toBeDefined();
  });
});
