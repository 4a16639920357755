import { startTestDatabase } from '@memory-layer/shared/testing/test-database';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRetentionRunRepository } from './retention-run.repository.ts';
import { staleAfterMs } from './retention.service.ts';
import { createTenant, daysAgo, now } from './testing/retention-fixture.ts';
import { createWorker as createWorkerOn, never, seeds, type WorkerOptions } from './testing/test-worker.ts';

let database: Awaited<ReturnType<typeof startTestDatabase>>;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(async () => database.stop());

const createWorker = (options: WorkerOptions = {}) => createWorkerOn(database.db, options);

describe('a run that is interrupted', () => {
  test('waits again, and goes on where it was left', async () => {
    const tenant = await createTenant(database.db);
    await tenant.addMessages(...seeds(35, {}));
    const runId = await tenant.askForRun();
    const stop = new AbortController();
    const first = createWorker({ batchSize: 10, afterBatch: async () => stop.abort() });
    expect(await first.run(tenant.tenantId, runId, stop.signal)).toBe('handed-back');
    expect(await tenant.getRun(runId)).toMatchObject({ state: 'queued', archived: 10, finished_at: null });
    expect(first.notified, 'the process that aborts it knows').toEqual([]);
    const second = createWorker({ batchSize: 10 });
    expect(await second.run(tenant.tenantId, runId, never)).toBe('completed');
    expect(second.batches).toEqual([10, 10, 5]);
    expect(await tenant.getRun(runId)).toMatchObject({ state: 'completed', archived: 35 });
  });

  test('by the end of its time slice enqueues its next job', async () => {
    const tenant = await createTenant(database.db);
    await tenant.addMessages(...seeds(35, {}));
    const runId = await tenant.askForRun();
    const untilSliceEnds = async () => new Promise((resolve) => void setTimeout(resolve, 20));
    const worker = createWorker({ batchSize: 10, sliceMs: 1, afterBatch: untilSliceEnds });
    expect(await worker.run(tenant.tenantId, runId, never)).toBe('handed-back');
    expect(worker.notified).toEqual([runId]);
    expect(await tenant.getRun(runId)).toMatchObject({ state: 'queued', archived: 10 });
  });

  test('is taken over once its worker is taken for dead, and the old worker then does nothing more', async () => {
    const tenant = await createTenant(database.db);
    await tenant.addMessages(...seeds(35, {}));
    const runId = await tenant.askForRun();
    const soon = createWorker({ at: new Date(now.getTime() + staleAfterMs) });
    const late = createWorker({ at: new Date(now.getTime() + staleAfterMs + 1), batchSize: 10 });
    const old = createWorker({
      batchSize: 10,
      async afterBatch(batch) {
        if (batch > 1) return;
        expect(await soon.run(tenant.tenantId, runId, never)).toBe('skipped');
        expect(await late.run(tenant.tenantId, runId, never)).toBe('completed');
        await tenant.addMessages(...seeds(5, {}));
      },
    });
    expect(await old.run(tenant.tenantId, runId, never)).toBe('lost');
    expect(old.batches).toEqual([10]);
    expect(await tenant.getRun(runId)).toMatchObject({ state: 'completed', archived: 35 });
    expect(await tenant.messageIds()).toHaveLength(5);
  });
});

describe('a run that somebody else is at now', () => {
  test('is left to them, and what they did not count is not done', async () => {
    const tenant = await createTenant(database.db);
    await tenant.addMessages(...seeds(35, {}));
    const runId = await tenant.askForRun();
    const late = new Date(now.getTime() + staleAfterMs + 1);
    const takeOver = async () =>
      createRetentionRunRepository(database.db, undefined).claim(
        tenant.tenantId,
        runId,
        late,
        new Date(now.getTime() + 1),
      );
    const old = createWorker({ batchSize: 10, afterBatch: takeOver });
    expect(await old.run(tenant.tenantId, runId, never)).toBe('lost');
    expect(await tenant.messageIds()).toHaveLength(25);
    expect(await tenant.getRun(runId)).toMatchObject({ state: 'running', started_at: late, archived: 10 });
  });
});

describe('two runs of a tenant at once', () => {
  test('archive and delete each message once', async () => {
    const tenant = await createTenant(database.db);
    const ids = await tenant.addMessages(...seeds(200, {}));
    await tenant.addArchived(...seeds(100, { archivedAt: daysAgo(100) }));
    const runIds = [await tenant.askForRun(), await tenant.askForRun()];
    await Promise.all(runIds.map(async (runId) => createWorker({ batchSize: 7 }).run(tenant.tenantId, runId, never)));
    const runs = await Promise.all(runIds.map(async (runId) => tenant.getRun(runId)));
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
