import { createLogger } from '@memory-layer/shared/observability/logger';
import { createMetrics } from '@memory-layer/shared/observability/metrics';
import { startTestDatabase } from '@memory-layer/shared/testing/test-database';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRetentionRunRepository } from './retention-run.repository.ts';
import { createRetentionRepository, type RetentionRepository } from './retention.repository.ts';
import { createRetentionService, staleAfterMs } from './retention.service.ts';
import { createTenant, daysAgo, now } from './testing/retention-fixture.ts';

const defaults = { maxAgeDays: 30, importanceThreshold: 0.35, deleteAfterDays: 90 };
const never = new AbortController().signal;

let database: Awaited<ReturnType<typeof startTestDatabase>>;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(async () => database.stop());

interface WorkerOptions {
  readonly batchSize?: number;
  readonly sliceMs?: number;
  readonly at?: Date;
  /** Called behind each batch of the archive, with its number. */
  readonly afterBatch?: (batch: number) => Promise<unknown>;
}

/** A retention service on the real repositories, with records of what it did. */
function createWorker({ batchSize = 500, sliceMs = 60_000, at = now, afterBatch }: WorkerOptions = {}) {
  const batches: number[] = [];
  const rung: string[] = [];
  const lines: string[] = [];
  const metrics = createMetrics();
  const real = createRetentionRepository(database.db);
  const retention: RetentionRepository = {
    ...real,
    async archiveBatch(run, request) {
      const outcome = await real.archiveBatch(run, request);
      batches.push(outcome.rows);
      await afterBatch?.(batches.length);
      return outcome;
    },
  };
  const service = createRetentionService(
    {
      retention,
      runs: createRetentionRunRepository(database.db),
      bell: { ring: async (_tenantId, runId) => void rung.push(runId) },
      clock: { now: () => at },
      logger: createLogger({ service: 'test', level: 'info', stream: { write: (line) => void lines.push(line) } }),
      metrics,
    },
    { defaults, batchSize, sliceMs },
  );
  return { run: service.run, batches, rung, lines, metrics };
}

const seeds = <T>(count: number, seed: T): T[] => Array.from({ length: count }, () => seed);

describe('a run', () => {
  test('archives and deletes, and says so', async () => {
    const tenant = await createTenant(database.db);
    const [kept] = await tenant.addMessages({ createdAt: daysAgo(1) }, {}, { expiresAt: daysAgo(1) });
    await tenant.addArchived({ archivedAt: daysAgo(100) });
    const runId = await tenant.askForRun();
    const worker = createWorker();
    expect(await worker.run(tenant.tenantId, runId, never)).toBe('completed');
    expect(await tenant.messageIds()).toEqual([kept]);
    expect(await tenant.archivedIds()).toHaveLength(2);
    expect(await tenant.getRun(runId)).toMatchObject({
      state: 'completed',
      archived: 2,
      deleted: 1,
      error: null,
      started_at: now,
      finished_at: now,
    });
    expect(worker.lines.map((line): unknown => JSON.parse(line))).toMatchObject([
      { tenantId: tenant.tenantId, runId, outcome: 'completed', archived: 2, deleted: 1, dryRun: false },
    ]);
    const rows = (await worker.metrics.retentionRows.get()).values;
    expect(rows).toMatchObject([
      { labels: { action: 'archive' }, value: 2 },
      { labels: { action: 'delete' }, value: 1 },
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
    const policies = await database.db.selectFrom('retention_policy').where('tenant_id', '=', tenant.tenantId).execute();
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

describe('batches', () => {
  test('are bounded, and counted as they go', async () => {
    const tenant = await createTenant(database.db);
    await tenant.addMessages(...seeds(35, {}));
    const runId = await tenant.askForRun(['archive']);
    const counts: number[] = [];
    const worker = createWorker({
      batchSize: 10,
      afterBatch: async () => counts.push((await tenant.getRun(runId)).archived),
    });
    await worker.run(tenant.tenantId, runId, never);
    expect(worker.batches).toEqual([10, 10, 10, 5, 0]);
    expect(counts).toEqual([10, 20, 30, 35, 35]);
  });

  test('a legal hold that is set between them stops the run', async () => {
    const tenant = await createTenant(database.db);
    await tenant.addMessages(...seeds(35, {}));
    const runId = await tenant.askForRun();
    const worker = createWorker({ batchSize: 10, afterBatch: () => tenant.setPolicy({ legal_hold: true }) });
    expect(await worker.run(tenant.tenantId, runId, never)).toBe('completed');
    expect(await tenant.messageIds()).toHaveLength(25);
  });

  test('a hold on the conversation that is set between them keeps the rest of it', async () => {
    const tenant = await createTenant(database.db);
    await tenant.addMessages(...seeds(35, {}));
    const runId = await tenant.askForRun();
    await createWorker({ batchSize: 10, afterBatch: () => tenant.holdConversation('c-1') }).run(tenant.tenantId, runId, never);
    expect(await tenant.messageIds()).toHaveLength(25);
  });

  test('a policy that changes between them holds for the next, and for what was passed over already', async () => {
    const tenant = await createTenant(database.db);
    await tenant.addMessages(...seeds(5, { createdAt: daysAgo(200), importance: 0.5 }), ...seeds(35, { createdAt: daysAgo(100) }));
    const [kept] = await tenant.addMessages({ createdAt: daysAgo(100), importance: 0.9 });
    const runId = await tenant.askForRun(['archive']);
    const worker = createWorker({
      batchSize: 10,
      afterBatch: async (batch) => batch === 2 && tenant.setPolicy({ importance_threshold: 0.6 }),
    });
    await worker.run(tenant.tenantId, runId, never);
    expect(await tenant.messageIds()).toEqual([kept]);
    expect(await tenant.getRun(runId)).toMatchObject({ archived: 40 });
  });
});

describe('a run that is interrupted', () => {
  test('waits again, and goes on where it was left', async () => {
    const tenant = await createTenant(database.db);
    await tenant.addMessages(...seeds(35, {}));
    const runId = await tenant.askForRun();
    const stop = new AbortController();
    const first = createWorker({ batchSize: 10, afterBatch: async () => stop.abort() });
    expect(await first.run(tenant.tenantId, runId, stop.signal)).toBe('handed-back');
    expect(await tenant.getRun(runId)).toMatchObject({ state: 'queued', archived: 10, finished_at: null });
    expect(first.rung, 'whoever aborted knows').toEqual([]);
    const second = createWorker({ batchSize: 10 });
    expect(await second.run(tenant.tenantId, runId, never)).toBe('completed');
    expect(second.batches).toEqual([10, 10, 5, 0]);
    expect(await tenant.getRun(runId)).toMatchObject({ state: 'completed', archived: 35 });
  });

  test('by the end of its time slice rings for itself', async () => {
    const tenant = await createTenant(database.db);
    await tenant.addMessages(...seeds(35, {}));
    const runId = await tenant.askForRun();
    const untilSliceEnds = async () => new Promise((resolve) => void setTimeout(resolve, 20));
    const worker = createWorker({ batchSize: 10, sliceMs: 1, afterBatch: untilSliceEnds });
    expect(await worker.run(tenant.tenantId, runId, never)).toBe('handed-back');
    expect(worker.rung).toEqual([runId]);
    expect(await tenant.getRun(runId)).toMatchObject({ state: 'queued', archived: 10 });
  });

  test('is taken over once its worker is taken for dead, and the old worker then does nothing more', async () => {
    const tenant = await createTenant(database.db);
    await tenant.addMessages(...seeds(35, {}));
    const runId = await tenant.askForRun();
    const soon = createWorker({ at: new Date(now.getTime() + staleAfterMs) });
    const late = createWorker({ at: new Date(now.getTime() + staleAfterMs + 1), batchSize: 10 });
    const stop = new AbortController();
    const old = createWorker({
      batchSize: 10,
      async afterBatch(batch) {
        if (batch > 1) return;
        expect(await soon.run(tenant.tenantId, runId, never)).toBe('skipped');
        expect(await late.run(tenant.tenantId, runId, AbortSignal.any([stop.signal]))).toBe('completed');
        await tenant.addMessages(...seeds(5, {}));
      },
    });
    expect(await old.run(tenant.tenantId, runId, never)).toBe('lost');
    expect(old.batches).toEqual([10]);
    expect(await tenant.getRun(runId)).toMatchObject({ state: 'completed', archived: 35 });
    expect(await tenant.messageIds()).toHaveLength(5);
  });
});

describe('two runs of a tenant at once', () => {
  test('archive and delete each message once', async () => {
    const tenant = await createTenant(database.db);
    const ids = await tenant.addMessages(...seeds(200, {}));
    await tenant.addArchived(...seeds(100, { archivedAt: daysAgo(100) }));
    const runIds = [await tenant.askForRun(), await tenant.askForRun()];
    await Promise.all(runIds.map(async (runId) => createWorker({ batchSize: 7 }).run(tenant.tenantId, runId, never)));
    const runs = await Promise.all(runIds.map(tenant.getRun));
    expect(await tenant.archivedIds()).toEqual(ids.toSorted());
    expect(runs.reduce((sum, run) => sum + run.archived, 0)).toBe(200);
    expect(runs.reduce((sum, run) => sum + run.deleted, 0)).toBe(100);
  });

  test('archive no more than max_items asks for', async () => {
    const tenant = await createTenant(database.db);
    await tenant.setPolicy({ max_items: 60 });
    await tenant.addMessages(...seeds(160, { createdAt: daysAgo(1) }));
    const runIds = [await tenant.askForRun(), await tenant.askForRun()];
    await Promise.all(runIds.map(async (runId) => createWorker({ batchSize: 7 }).run(tenant.tenantId, runId, never)));
    expect(await tenant.messageIds()).toHaveLength(60);
  });

  test('one run at two workers is carried out by one of them', async () => {
    const tenant = await createTenant(database.db);
    const runId = await tenant.askForRun();
    const outcomes = await Promise.all([1, 2, 3].map(async () => createWorker().run(tenant.tenantId, runId, never)));
    expect(outcomes.toSorted()).toEqual(['completed', 'skipped', 'skipped']);
  });
});

describe('a run that fails', () => {
  test('for good says the SQLSTATE, and shows no content anywhere', async () => {
    const tenant = await createTenant(database.db);
    const messages = await tenant.addMessages(...seeds(3, {}));
    const constraint = sql.id(`refuses_${tenant.tenantId}`);
    await sql`alter table archived_message add constraint ${constraint} check (tenant_id <> ${sql.lit(tenant.tenantId)})`
      .execute(database.db);
    const runId = await tenant.askForRun();
    const worker = createWorker();
    expect(await worker.run(tenant.tenantId, runId, never)).toBe('failed');
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
    const worker = createWorker({ afterBatch: async () => Promise.reject(deadlock) });
    await expect(worker.run(tenant.tenantId, runId, never)).rejects.toMatchObject({ code: 'unavailable', retryable: true });
    expect(await tenant.getRun(runId)).toMatchObject({ state: 'queued', archived: 1, error: null });
  });
});
