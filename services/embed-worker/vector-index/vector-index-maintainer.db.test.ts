import { Database } from '@memory-layer/shared/db/database';
import { TenantPartitions } from '@memory-layer/shared/db/tenant-partitions.repository';
import { systemClock } from '@memory-layer/shared/lifecycle/clock';
import { createLogger } from '@memory-layer/shared/observability/logger';
import { startTestDatabase, type TestDatabase } from '@memory-layer/shared/testing/test-database';
import { nonEmpty } from '@memory-layer/shared/testing/non-empty';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { addVectors, dimension, generation } from './testing/vectors.ts';
import { toVectorIndexConfig } from './vector-index-config.ts';
import { createVectorIndexMaintainer } from './vector-index-maintainer.ts';
import { createVectorIndexRepository } from './vector-index.repository.ts';

let fixture: TestDatabase;
beforeAll(async () => {
  fixture = await startTestDatabase();
});
afterAll(() => fixture.stop());

const config = toVectorIndexConfig({
  MEMORY_VECTOR_INDEX: true,
  MEMORY_VECTOR_INDEX_MIN_VECTORS: 100,
  MEMORY_VECTOR_INDEX_MAX_TAIL: 40,
  MEMORY_VECTOR_INDEX_MEMORY_MB: 64,
  MEMORY_VECTOR_INDEX_PARALLEL_WORKERS: 0,
  MEMORY_VECTOR_INDEX_INTERVAL_MS: 50,
});

function startMaintainer() {
  const seen = { built: 0, failed: 0, longestTail: 0 };
  const database = new Database({
    connection: fixture.connection,
    poolSize: 1,
    acquireTimeoutMs: 20_000,
    applicationName: 'maintainer',
    onConnectionError: () => undefined,
  });
  const maintainer = createVectorIndexMaintainer({
    config,
    database,
    db: fixture.db,
    partitions: new TenantPartitions(fixture.db),
    generation: () => ({ generation, dimension, modelId: 'test', queryCentre: undefined }),
    clock: systemClock,
    logger: createLogger({ service: 'test', level: 'silent' }),
    events: {
      built: () => (seen.built += 1),
      failed: () => (seen.failed += 1),
      longestTail: (vectors) => (seen.longestTail = vectors),
    },
  });
  const stop = async () => {
    await maintainer.stop();
    await database.stop();
  };
  onTestFinished(stop);
  return { maintainer, seen, stop };
}

const indexes = () => createVectorIndexRepository(fixture.db);
const addTenant = async (tenantId: string, last: number) => {
  await sql`insert into tenant (tenant_id) values (${tenantId}) on conflict do nothing`.execute(fixture.db);
  await addVectors(fixture.db, tenantId, 1, last);
};

describe('the maintainer', () => {
  test('finds the large tenants by itself, indexes them one by one, and rests', async () => {
    await addTenant('large-1', 120);
    await addTenant('large-2', 130);
    await addTenant('small', 50);
    const { maintainer, seen } = startMaintainer();
    await maintainer.start();
    await expect.poll(() => seen.built, { timeout: 20_000 }).toBe(2);
    expect(await indexes().listReady('small', generation)).toEqual([]);
    await expect.poll(() => seen.longestTail, { timeout: 20_000 }).toBe(6);
    expect(seen).toEqual({ built: 2, failed: 0, longestTail: 6 });
  });

  test('looks soon at a tenant that it was notified of', async () => {
    await sql`delete from tenant`.execute(fixture.db);
    await addVectors(fixture.db, 'noted', 1, 120);
    const { maintainer, seen } = startMaintainer();
    await maintainer.start();
    maintainer.noteWritten('noted', 120);
    await expect.poll(() => seen.built, { timeout: 20_000 }).toBe(1);
    expect(await indexes().listReady('noted', generation)).toHaveLength(1);
  });

  test('stops twice, and before it was started', async () => {
    const { maintainer, seen } = startMaintainer();
    await maintainer.stop();
    await maintainer.stop();
    expect(seen.built).toBe(0);
  });
});

describe('on a server', () => {
  beforeEach((context) => {
    context.skip(
      fixture.engine === 'embedded',
      'the embedded database is one session: it can neither wait for itself nor lock itself out',
    );
  });

  test('one maintainer of all is at work', async () => {
    const first = createVectorIndexRepository(fixture.db);
    await fixture.db.connection().execute(async (session) => {
      const other = createVectorIndexRepository(session);
      expect(await other.tryLock(config.build)).toBeDefined();
      const { rows } = await sql`show maintenance_work_mem`.execute(session);
      expect(rows).toEqual([{ maintenance_work_mem: '64MB' }]);
      await addTenant('locked', 120);
      const { maintainer, seen } = startMaintainer();
      maintainer.noteWritten('locked', 120);
      await maintainer.start();
      expect(
        await fixture.db.connection().execute((third) => createVectorIndexRepository(third).tryLock(config.build)),
      ).toBeUndefined();
      expect(seen.built).toBe(0);
      await other.unlock();
      await expect.poll(() => seen.built, { timeout: 20_000 }).toBe(1);
    });
    expect(await first.listReady('locked', generation)).toHaveLength(1);
  });

  test('a build under way is cancelled at stop, and what is left of it goes with the next start', async () => {
    await addTenant('slow', 120);
    const held = Promise.withResolvers<void>();
    // A build waits for every transaction that wrote to its table before.
    const holding = fixture.db.transaction().execute(async (transaction) => {
      await sql`update embedding set importance = 0.3 where tenant_id = 'slow'`.execute(transaction);
      const interrupted = startMaintainer();
      interrupted.maintainer.noteWritten('slow', 120);
      await interrupted.maintainer.start();
      await expect.poll(async () => (await indexes().listRows()).some((row) => row.state === 'building')).toBe(true);
      await expect.poll(async () => (await indexes().listIndexes()).some((index) => !index.isValid)).toBe(true);
      await interrupted.stop();
      expect(interrupted.seen).toMatchObject({ built: 0, failed: 1 });
      held.resolve();
    });
    await holding;
    await held.promise;
    const { maintainer, seen } = startMaintainer();
    maintainer.noteWritten('slow', 120);
    await maintainer.start();
    await expect.poll(() => seen.built, { timeout: 20_000 }).toBe(1);
    expect(nonEmpty(await indexes().listIndexes()).every((index) => index.isValid)).toBe(true);
    expect(await indexes().listReady('slow', generation)).toHaveLength(1);
  });
});
