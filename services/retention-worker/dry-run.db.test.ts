import { startTestDatabase } from '@memory-layer/shared/testing/test-database';
import { cutoffsAt, isOld, resolvePolicy, type StoredPolicy } from '@memory-layer/shared/retention/retention-policy';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTenant, daysAgo, now } from './testing/retention-fixture.ts';
import { createWorker, never, usualDefaults } from './testing/test-worker.ts';

let database: Awaited<ReturnType<typeof startTestDatabase>>;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(async () => database.stop());

// Few values, close to and at the limits of the policies below.
const importance = fc.constantFrom(0, 0.3, 0.35, 0.4, 1);
const days = fc.constantFrom(0, 1, 9.99, 10, 10.01, 30, 30.01, 400);
const conversationId = fc.constantFrom('free', 'held', 'free-too');
const message = fc.record({
  importance,
  conversationId,
  createdAt: days.map(daysAgo),
  storedAt: days.map(daysAgo),
  expiresAt: fc.constantFrom(null, null, daysAgo(1), now, daysAgo(-1)),
});
const archived = fc.record({
  importance,
  conversationId,
  archivedAt: days.map(daysAgo),
  expiresAt: fc.constantFrom(null, null, daysAgo(1), daysAgo(-1)),
});
const policy = fc.record({
  max_age_days: fc.constantFrom(null, 10, 30),
  age_of: fc.constantFrom(null, 'stored' as const, 'created' as const),
  importance_threshold: fc.constantFrom(null, 0, 0.35, 0.4),
  delete_after_days: fc.constantFrom(null, 10, 30),
  max_items: fc.constantFrom(null, null, 1, 5, 20),
  match_mode: fc.constantFrom(null, 'all' as const, 'any' as const),
  legal_hold: fc.constantFrom(false, false, false, true),
});
const actions = fc.constantFrom(['archive' as const], ['delete' as const], ['archive' as const, 'delete' as const]);
type MessageRow = typeof message extends fc.Arbitrary<infer Row> ? Row : never;
type PolicyRow = typeof policy extends fc.Arbitrary<infer Row> ? Row : never;

const toStored = (row: PolicyRow): StoredPolicy => ({
  maxAgeDays: row.max_age_days,
  ageOf: row.age_of,
  importanceThreshold: row.importance_threshold,
  deleteAfterDays: row.delete_after_days,
  maxItems: row.max_items,
  matchMode: row.match_mode,
  legalHold: row.legal_hold,
});

const world = fc.record({
  messages: fc.array(message, { minLength: 1, maxLength: 40, size: 'max' }),
  archive: fc.array(archived, { minLength: 1, maxLength: 20, size: 'max' }),
  policy,
  actions,
  batchSize: fc.constantFrom(3, 500),
});

/** How many of the messages are archived for their age or importance; undefined where their number is limited, too. */
function foreseenIn({
  messages,
  policy: row,
}: {
  messages: readonly MessageRow[];
  policy: PolicyRow;
}): number | undefined {
  if (row.max_items !== null) return undefined;
  const resolved = resolvePolicy(toStored(row), usualDefaults);
  const due = messages.filter(
    (one) =>
      one.conversationId !== 'held' &&
      (one.expiresAt === null || one.expiresAt > now) &&
      isOld(resolved, cutoffsAt(resolved, now), one),
  );
  return resolved.legalHold ? 0 : due.length;
}

test('a dry run counts what the run then does, and changes nothing', async () => {
  const counted = { archived: 0, deleted: 0, foreseen: 0 };
  const check = fc.asyncProperty(world, async (given) => {
    const tenant = await createTenant(database.db);
    await tenant.holdConversation('held');
    await tenant.setPolicy(given.policy);
    await tenant.addMessages(...given.messages);
    await tenant.addArchived(...given.archive);
    const service = createWorker(database.db, { batchSize: given.batchSize });
    const carryOut = async (dryRun: boolean) => {
      const runId = await tenant.askForRun(given.actions, { dry_run: dryRun });
      await service.run(tenant.tenantId, runId, never);
      return tenant.getRun(runId);
    };
    const before = { messages: await tenant.messageIds(), archived: await tenant.archivedIds() };
    const dry = await carryOut(true);
    expect({ messages: await tenant.messageIds(), archived: await tenant.archivedIds() }).toEqual(before);
    const real = await carryOut(false);
    expect({ archived: dry.archived, deleted: dry.deleted }).toEqual({
      archived: real.archived,
      deleted: real.deleted,
    });
    // The counts are of rows that did move, not only of each other.
    const [messages, archive] = [await tenant.messageIds(), await tenant.archivedIds()];
    const moved = archive.filter((id) => before.messages.includes(id));
    expect(moved.length).toBe(real.archived);
    const rows = before.messages.length + before.archived.length;
    expect(rows - messages.length - archive.length).toBe(real.deleted);
    // The rule in TypeScript decides the same as the statements.
    const foreseen = given.actions.some((action) => action === 'archive') ? foreseenIn(given) : 0;
    expect(foreseen ?? real.archived).toBe(real.archived);
    counted.foreseen += foreseen ?? 0;
    // A run leaves nothing for the next one.
    expect(await carryOut(true)).toMatchObject({ archived: 0, deleted: 0 });
    counted.archived += real.archived;
    counted.deleted += real.deleted;
  });
  await fc.assert(check, { numRuns: 80, seed: 20_260_301 });
  expect(counted.archived).toBeGreaterThan(100);
  expect(counted.deleted).toBeGreaterThan(50);
  expect(counted.foreseen).toBeGreaterThan(30);
});
