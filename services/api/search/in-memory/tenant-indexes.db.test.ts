import { appendMessageEvents } from '@memory-layer/shared/events/append-message-events.sql';
import type { Schema } from '@memory-layer/shared/db/schema';
import { createMetrics } from '@memory-layer/shared/observability/metrics';
import { eventually } from '@memory-layer/shared/testing/eventually';
import { nonEmpty } from '@memory-layer/shared/testing/non-empty';
import { sql, type Kysely } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Candidate } from '../ranking/candidate.ts';
import { addMessages, generation, idOf } from '../sql/testing/vectors.ts';
import { createCandidateReader } from '../candidate-reader.ts';
import { createSearchRepository } from '../sql/search.repository.ts';
import { InMemorySearch } from './in-memory-search.ts';
import { createTenantIndexRepository } from './tenant-index.repository.ts';
import type { TenantIndex } from './tenant-index.ts';
import type { TenantIndexes } from './tenant-indexes.ts';
import { startIndexedTenants, type IndexedTenants, type PlanParts } from './testing/indexed-tenants.ts';

let tenants: IndexedTenants;
let db: Kysely<Schema>;
beforeAll(async () => {
  tenants = await startIndexedTenants();
  ({ db } = tenants);
});
afterAll(() => tenants.stop());

describe('an index is up to date with each search', () => {
  let laterMs: number;
  let indexes: TenantIndexes;
  let tenantId: string;
  let index: TenantIndex;
  beforeEach(async () => {
    laterMs = 0;
    indexes = tenants.createIndexes({ clock: { now: () => new Date(Date.now() + laterMs) } });
    tenantId = await tenants.addTenant(40);
    index = await tenants.load(indexes, tenantId);
  });

  /** What the index finds now. */
  async function found(parts: PlanParts = {}): Promise<Candidate[]> {
    const opened = await tenants.open(indexes, tenantId);
    expect(opened).toBe(index);
    return new InMemorySearch(index, await tenants.planFor(tenantId, { limit: 1000, ...parts })).findCandidates();
  }

  /** As the api stores a message, and as an embed worker completes it. */
  async function store(transaction: Kysely<Schema>, number: number): Promise<void> {
    await addMessages(transaction, tenantId, number, number);
    await sql`delete from embedding where tenant_id = ${tenantId} and message_id = ${idOf(number)}`.execute(
      transaction,
    );
    await sql`insert into embedding_pending (tenant_id, message_id, generation, content_hash)
      values (${tenantId}, ${idOf(number)}, ${generation}, '')`.execute(transaction);
  }

  async function complete(transaction: Kysely<Schema>, number: number): Promise<void> {
    await sql`insert into embedding (tenant_id, message_id, generation, passage_no, vector, conversation_id, role, importance, created_at)
      select tenant_id, id, ${generation}, 0, '[1,0,0,0,0,0,0,0]', conversation_id, role, importance, created_at
      from message where tenant_id = ${tenantId} and id = ${idOf(number)}`.execute(transaction);
    await sql`delete from embedding_pending where tenant_id = ${tenantId} and message_id = ${idOf(number)}`.execute(
      transaction,
    );
    await appendMessageEvents(transaction, [{ tenantId, type: 'message.embedded', messageIds: [idOf(number)] }]);
  }

  async function remove(transaction: Kysely<Schema>, number: number): Promise<void> {
    await sql`delete from message where tenant_id = ${tenantId} and id = ${idOf(number)}`.execute(transaction);
    await sql`delete from embedding where tenant_id = ${tenantId} and message_id = ${idOf(number)}`.execute(
      transaction,
    );
    await appendMessageEvents(transaction, [{ tenantId, type: 'message.deleted', messageIds: [idOf(number)] }]);
  }

  const candidate = async (number: number) => (await found()).find(({ id }) => id === idOf(number));

  test('a message is found by its words once it is stored, and by its vector once it has one', async () => {
    await db.transaction().execute((transaction) => store(transaction, 41));
    expect(await candidate(41)).toMatchObject({ vectorScore: undefined, termScores: [expect.any(Number)] });
    await db.transaction().execute((transaction) => complete(transaction, 41));
    expect((await candidate(41))?.vectorScore).toBeGreaterThan(0.1);
    expect(index.count).toBe(41);
  });

  test('a message that was changed is found as it is now, with its vectors', async () => {
    const before = await candidate(20);
    await db.transaction().execute(async (transaction) => {
      await sql`update message set importance = 0.77, metadata = '{"speaker":"Ana"}' where tenant_id = ${tenantId}
        and id = ${idOf(20)}`.execute(transaction);
      await appendMessageEvents(transaction, [{ tenantId, type: 'message.updated', messageIds: [idOf(20)] }]);
    });
    expect(await candidate(20)).toEqual({ ...before, importance: 0.77, speaker: 'Ana' });
    expect(index.count).toBe(40);
  });

  test('messages that were changed take nobody else away from the best', async () => {
    const byWords = { text: 'apple', direction: 0 };
    const [best] = await found({ ...byWords, limit: 1 });
    for (let change = 0; change < 5; change += 1) {
      await appendMessageEvents(db, [{ tenantId, type: 'message.updated', messageIds: [best?.id ?? ''] }]);
      await found();
    }
    expect(index.size).toBe(index.count + 5);
    expect(await found({ ...byWords, limit: 3 })).toHaveLength(3);
  });

  test('a message that was deleted is not found, nor does it stand beside another one', async () => {
    await db.transaction().execute((transaction) => remove(transaction, 20));
    expect(await candidate(20)).toBeUndefined();
    const search = new InMemorySearch(index, await tenants.planFor(tenantId));
    const { neighbourhood } = search.findNeighbourhood([idOf(22)]);
    expect(neighbourhood.earlierOf(idOf(22))).toBe(idOf(18));
  });

  test('a message that was stored and deleted between two searches is not found', async () => {
    await db.transaction().execute((transaction) => store(transaction, 41));
    await db.transaction().execute((transaction) => complete(transaction, 41));
    await db.transaction().execute((transaction) => remove(transaction, 41));
    expect(await candidate(41)).toBeUndefined();
  });

  test('a message expires when its time comes', async () => {
    await db.transaction().execute(async (transaction) => {
      await store(transaction, 41);
      await sql`update message set expires_at = clock_timestamp() + interval '300 ms'
        where tenant_id = ${tenantId} and id = ${idOf(41)}`.execute(transaction);
    });
    expect(await candidate(41)).toBeDefined();
    await eventually(async () => expect(await candidate(41)).toBeUndefined());
  });

  test('searches that come together ask the database once, those that come meanwhile once more', async () => {
    let looks = 0;
    const real = createTenantIndexRepository({ queries: db, prepared: db });
    const count: typeof real.readChanges = (...parts) => {
      looks += 1;
      return real.readChanges(...parts);
    };
    const counted = tenants.createIndexes({
      repository: { ...real, readChanges: count },
    });
    await tenants.load(counted, tenantId);
    looks = 0;
    const first = Array.from({ length: 10 }, () => tenants.open(counted, tenantId));
    await eventually(() => expect(looks).toBe(1));
    const second = Array.from({ length: 10 }, () => tenants.open(counted, tenantId));
    expect(nonEmpty(await Promise.all([...first, ...second])).every((opened) => opened !== undefined)).toBe(true);
    expect(looks).toBe(2);
  });

  test('what many changed at once is left to the database, and the index is made anew', async () => {
    await addMessages(db, tenantId, 900, 101);
    await sql`insert into embedding_pending (tenant_id, message_id, generation, content_hash)
      select tenant_id, id, ${generation}, '' from message where tenant_id = ${tenantId} and id > ${idOf(100)}`.execute(
      db,
    );
    expect(await tenants.open(indexes, tenantId)).toBeUndefined();
    expect(index.isClosed).toBe(true);
    expect(indexes.state).toEqual({ tenants: 0, bytes: 0 });
    await sql`delete from embedding_pending where tenant_id = ${tenantId}`.execute(db);
    // Not at once: much may change again.
    for (let count = 0; count < 10; count += 1) expect(await tenants.open(indexes, tenantId)).toBeUndefined();
    laterMs = 61_000;
    expect((await tenants.load(indexes, tenantId)).count).toBe(840);
  });

  test('words that were read again meanwhile, by other rules, are read again here', async () => {
    await sql`update search_language set changed_at = now() + interval '1 second' where state = 'current'`.execute(db);
    expect(await tenants.open(indexes, tenantId)).toBeUndefined();
    expect(index.isClosed).toBe(true);
  });

  test('while words are read again, the database is asked', async () => {
    await sql`insert into search_language (language, state) values ('english 1', 'old')`.execute(db);
    expect(await tenants.open(indexes, tenantId)).toBeUndefined();
    await sql`delete from search_language where language = 'english 1'`.execute(db);
    expect(index.isClosed).toBe(true);
  });

  test('events that were pruned before they were read are not missed', async () => {
    await db.transaction().execute((transaction) => remove(transaction, 20));
    await sql`delete from message_event where tenant_id = ${tenantId}`.execute(db);
    await sql`insert into message_event_pruned (transaction_id, event_id)
      values ((pg_snapshot_xmax(pg_current_snapshot())::text::bigint - 1)::text::xid8, 0)`.execute(db);
    expect(await tenants.open(indexes, tenantId)).toBeUndefined();
    await sql`delete from message_event_pruned`.execute(db);
  });

  test.runIf(process.env['TEST_DATABASE_URL'] !== undefined)(
    'what is committed late, after what began later, is not missed',
    async () => {
      const late = await db.startTransaction().execute();
      await store(late, 41);
      await db.transaction().execute((transaction) => remove(transaction, 20));
      expect(await candidate(20)).toBeUndefined();
      expect(await candidate(41)).toBeUndefined();
      await db.transaction().execute((transaction) => remove(transaction, 22));
      expect(await candidate(22)).toBeUndefined();
      await late.commit().execute();
      expect(await candidate(41)).toBeDefined();
    },
  );
});

describe('memory is bounded', () => {
  test('a tenant that needs more than its share is not loaded', async () => {
    const tenantId = await tenants.addTenant(200);
    const indexes = tenants.createIndexes({ maxBytes: 100_000 });
    for (let count = 0; count < 10; count += 1) expect(await tenants.open(indexes, tenantId)).toBeUndefined();
    await indexes.stop();
    expect(indexes.state).toEqual({ tenants: 0, bytes: 0 });
  });

  test('a tenant gives way to another one when nobody has searched it for a while, not before', async () => {
    let now = Date.parse('2026-01-01');
    // Room for four of them.
    const [one, other] = [await tenants.addTenant(200), await tenants.addTenant(200)];
    const probe = tenants.createIndexes();
    await tenants.load(probe, one);
    const { bytes } = probe.state;
    const indexes = tenants.createIndexes({ maxBytes: 4 * bytes + 1000, clock: { now: () => new Date(now) } });
    const more = await Promise.all([3, 4, 5].map(() => tenants.addTenant(200)));
    for (const tenantId of [one, ...more]) await tenants.load(indexes, tenantId);
    const before = indexes.state;
    expect(before.tenants).toBe(4);
    for (let count = 0; count < 10; count += 1) expect(await tenants.open(indexes, other)).toBeUndefined();
    now += 11 * 60_000;
    await tenants.open(indexes, more[0] ?? '');
    await tenants.load(indexes, other);
    expect(indexes.state.tenants).toBe(4);
    expect(await tenants.open(indexes, more[0] ?? '')).toBeDefined();
  });
});

test('a fault of an index costs no search: the database answers, and the index is made anew', async () => {
  const faults: unknown[] = [];
  const indexes = tenants.createIndexes({ onError: (error) => void faults.push(error) });
  const tenantId = await tenants.addTenant(40);
  const index = await tenants.load(indexes, tenantId);
  const repository = createSearchRepository({ queries: db, prepared: db });
  const read = createCandidateReader({
    database: { queries: db, prepared: db },
    repository,
    replicas: undefined,
    createRepository: createSearchRepository,
    indexes,
    metrics: createMetrics(),
  });
  const plan = await tenants.planFor(tenantId, { text: 'apple', direction: 0 });
  Object.defineProperty(index.words, 'score', { value: () => expect.fail('a fault') });
  const found = await read(plan, (searched) => searched.findCandidates(plan));
  expect(found).toEqual(await repository.findCandidates(plan));
  expect(found).not.toEqual([]);
  expect(faults).toHaveLength(1);
  expect([index.isClosed, indexes.state.tenants]).toEqual([true, 0]);
});
