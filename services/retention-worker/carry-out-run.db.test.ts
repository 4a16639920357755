import { startTestDatabase } from '@memory-layer/shared/testing/test-database';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTenant, daysAgo } from './testing/retention-fixture.ts';
import { createWorker as createWorkerOn, never, seeds, type WorkerOptions } from './testing/test-worker.ts';

let database: Awaited<ReturnType<typeof startTestDatabase>>;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(async () => database.stop());

const createWorker = (options: WorkerOptions = {}) => createWorkerOn(database.db, options);

describe('the batches of a run', () => {
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
    expect(worker.batches).toEqual([10, 10, 10, 5]);
    expect(counts).toEqual([10, 20, 30, 35]);
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
    await createWorker({ batchSize: 10, afterBatch: () => tenant.holdConversation('c-1') }).run(
      tenant.tenantId,
      runId,
      never,
    );
    expect(await tenant.messageIds()).toHaveLength(25);
  });

  test('a limit of age that changes between them holds for the next', async () => {
    const tenant = await createTenant(database.db);
    await tenant.addMessages(...seeds(35, {}));
    const runId = await tenant.askForRun(['archive']);
    const afterBatch = async () => tenant.setPolicy({ max_age_days: 3650 });
    await createWorker({ batchSize: 10, afterBatch }).run(tenant.tenantId, runId, never);
    expect(await tenant.messageIds()).toHaveLength(25);
  });

  test('a policy that changes between them holds for the next, and for what was passed over already', async () => {
    const tenant = await createTenant(database.db);
    await tenant.addMessages(
      ...seeds(5, { createdAt: daysAgo(200), importance: 0.5 }),
      ...seeds(35, { createdAt: daysAgo(100) }),
    );
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
