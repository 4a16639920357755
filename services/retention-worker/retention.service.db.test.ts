import { startTestDatabase } from '@memory-layer/shared/testing/test-database';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from 'kysely';
import { createTenant, daysAgo, now } from './testing/retention-fixture.ts';
import { createWorker as createWorkerOn, never, seeds, type WorkerOptions } from './testing/test-worker.ts';

let database: Awaited<ReturnType<typeof startTestDatabase>>;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(async () => database.stop());

const createWorker = (options: WorkerOptions = {}) => createWorkerOn(database.db, options);

describe('a run', () => {
  test('archives and deletes, and says so', async () => {
    const tenant = await createTenant(database.db);
    const [kept] = await tenant.addMessages({ createdAt: daysAgo(1) }, {}, { expiresAt: daysAgo(1) });
    await tenant.addArchived({ archivedAt: daysAgo(100) });
    const runId = await tenant.askForRun();
    const worker = createWorker();
    expect(await worker.run(tenant.tenantId, runId, never)).toBe('completed');
    expect(await tenant.messageIds()).toEqual([kept]);
    expect(await tenant.archivedIds()).toHaveLength(1);
    expect(await tenant.getRun(runId)).toMatchObject({
      state: 'completed',
      archived: 1,
      deleted: 2,
      error: null,
      started_at: now,
      finished_at: now,
    });
    expect(worker.lines.map((line): unknown => JSON.parse(line))).toMatchObject([
      { tenantId: tenant.tenantId, runId, outcome: 'completed', archived: 1, deleted: 2, dryRun: false },
    ]);
    const rows = (await worker.metrics.retentionRows.get()).values;
    expect(rows).toMatchObject([
      { labels: { action: 'archive' }, value: 1 },
      { labels: { action: 'delete' }, value: 2 },
    ]);
  });

  test.each([
    ['archive', { archived: 1, deleted: 0 }],
    ['delete', { archived: 0, deleted: 1 }],
  ] as const)('of the action %s alone does that alone', async (action, counts) => {
    const tenant = await createTenant(database.db);
    await tenant.addMessages({});
    await tenant.addArchived({ archivedAt: daysAgo(100) });
    const dryId = await tenant.askForRun([action], { dry_run: true });
    const runId = await tenant.askForRun([action]);
    await createWorker().run(tenant.tenantId, dryId, never);
    await createWorker().run(tenant.tenantId, runId, never);
    expect(await tenant.getRun(dryId)).toMatchObject(counts);
    expect(await tenant.getRun(runId)).toMatchObject(counts);
  });

  test("on a tenant's legal hold does nothing, dry or not", async () => {
    const tenant = await createTenant(database.db);
    await tenant.setPolicy({ legal_hold: true, max_items: 1 });
    const messages = await tenant.addMessages({}, { expiresAt: daysAgo(1) });
    const archived = await tenant.addArchived({ archivedAt: daysAgo(100) });
    for (const dry_run of [true, false]) {
      const runId = await tenant.askForRun(['archive', 'delete'], { dry_run });
      expect(await createWorker().run(tenant.tenantId, runId, never)).toBe('completed');
      expect(await tenant.getRun(runId)).toMatchObject({ state: 'completed', archived: 0, deleted: 0 });
    }
    expect(await tenant.messageIds()).toEqual(messages);
    expect(await tenant.archivedIds()).toEqual(archived);
  });

  test('makes no policy row', async () => {
    const tenant = await createTenant(database.db);
    await createWorker().run(tenant.tenantId, await tenant.askForRun(), never);
    const policies = await database.db
      .selectFrom('retention_policy')
      .where('tenant_id', '=', tenant.tenantId)
      .execute();
    expect(policies).toEqual([]);
  });

  test('leaves other tenants alone', async () => {
    const [tenant, other] = [await createTenant(database.db), await createTenant(database.db)];
    await tenant.addMessages({});
    const others = await other.addMessages({});
    const othersArchived = await other.addArchived({ archivedAt: daysAgo(100) });
    await createWorker().run(tenant.tenantId, await tenant.askForRun(), never);
    expect(await other.messageIds()).toEqual(others);
    expect(await other.archivedIds()).toEqual(othersArchived);
  });

  test('is skipped when it is done, unknown, or asked for by the name of another tenant', async () => {
    const [tenant, other] = [await createTenant(database.db), await createTenant(database.db)];
    const runId = await tenant.askForRun();
    expect(await createWorker().run(other.tenantId, runId, never)).toBe('skipped');
    expect(await createWorker().run(tenant.tenantId, runId, never)).toBe('completed');
    expect(await createWorker().run(tenant.tenantId, runId, never)).toBe('skipped');
    expect(await createWorker().run(tenant.tenantId, crypto.randomUUID(), never)).toBe('skipped');
  });
});

describe('a run that fails', () => {
  test('for good says the SQLSTATE, and shows no content anywhere', async () => {
    const tenant = await createTenant(database.db);
    const messages = await tenant.addMessages(...seeds(3, {}));
    const constraint = sql.id(`refuses_${tenant.tenantId}`);
    await sql`alter table archived_message add constraint ${constraint} check (tenant_id <> ${sql.lit(tenant.tenantId)})`.execute(
      database.db,
    );
    const runId = await tenant.askForRun();
    const worker = createWorker();
    expect(await worker.run(tenant.tenantId, runId, never)).toBe('failed');
    const runs = (await worker.metrics.retentionRuns.get()).values.filter(({ value }) => value > 0);
    expect(runs).toMatchObject([{ labels: { outcome: 'failed' }, value: 1 }]);
    expect(await tenant.getRun(runId)).toMatchObject({
      state: 'failed',
      archived: 0,
      finished_at: now,
      error: 'the database refused a statement (SQLSTATE 23514)',
    });
    expect(await tenant.messageIds()).toEqual(messages);
    expect(worker.lines.join('\n')).not.toContain('what was said');
  });

  test('for the moment waits again, and says that a retry is sensible', async () => {
    const tenant = await createTenant(database.db);
    await tenant.addMessages({});
    const runId = await tenant.askForRun();
    const deadlock = Object.assign(new Error('deadlock detected'), { code: '40P01' });
    const failing = async () => {
      throw deadlock;
    };
    const worker = createWorker({ afterBatch: failing });
    await expect(worker.run(tenant.tenantId, runId, never)).rejects.toMatchObject({
      code: 'unavailable',
      retryable: true,
    });
    expect(await tenant.getRun(runId)).toMatchObject({ state: 'queued', archived: 1, error: null });
  });
});

describe('a policy of which a part is not set', () => {
  const nothing = {
    maxAgeDays: undefined,
    ageOf: 'created',
    importanceThreshold: undefined,
    deleteAfterDays: undefined,
  } as const;

  test.each([
    ['nothing at all', {}, { archived: 0, deleted: 1 }],
    ['an age', { max_age_days: 30 }, { archived: 2, deleted: 1 }],
    ['a threshold, which by itself archives nothing', { importance_threshold: 0.35 }, { archived: 0, deleted: 1 }],
    ['an age and a threshold', { max_age_days: 30, importance_threshold: 0.35 }, { archived: 1, deleted: 1 }],
    [
      'either, of which a threshold is set',
      { importance_threshold: 0.35, match_mode: 'any' },
      { archived: 2, deleted: 1 },
    ],
    ['either, of which nothing is set', { match_mode: 'any' }, { archived: 0, deleted: 1 }],
    ['the time in the archive', { delete_after_days: 90 }, { archived: 0, deleted: 2 }],
  ] as const)('sets %s', async (_, policy, counts) => {
    const tenant = await createTenant(database.db);
    await tenant.setPolicy(policy);
    const recent = { createdAt: daysAgo(1) };
    const old = { createdAt: daysAgo(400) };
    await tenant.addMessages(
      { ...old, importance: 0.1 },
      { ...old, importance: 0.9 },
      { ...recent, importance: 0.1 },
      { ...recent, importance: 0.9, expiresAt: daysAgo(1) },
    );
    await tenant.addArchived({ archivedAt: daysAgo(1000) });
    const dryId = await tenant.askForRun(['archive', 'delete'], { dry_run: true });
    const runId = await tenant.askForRun();
    const worker = createWorker({ defaults: nothing });
    for (const id of [dryId, runId]) await worker.run(tenant.tenantId, id, never);
    expect(await tenant.getRun(dryId)).toMatchObject(counts);
    expect(await tenant.getRun(runId)).toMatchObject(counts);
  });
});
