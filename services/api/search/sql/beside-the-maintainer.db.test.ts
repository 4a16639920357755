import { Database } from '@memory-layer/shared/db/database';
import { TenantPartitions } from '@memory-layer/shared/db/tenant-partitions.repository';
import { createLogger } from '@memory-layer/shared/observability/logger';
import { startTestDatabase, type TestDatabase } from '@memory-layer/shared/testing/test-database';
import { nonEmpty } from '@memory-layer/shared/testing/non-empty';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
// The one place where both meet that keep an index and that use it: what one does must be right for the other.
// oxlint-disable-next-line no-restricted-imports
import { toVectorIndexConfig } from '../../../embed-worker/vector-index/vector-index-config.ts';
// oxlint-disable-next-line no-restricted-imports
import { createVectorIndexMaintainer } from '../../../embed-worker/vector-index/vector-index-maintainer.ts';
import { addMessages, allByDistance, dimension, generation, idOf, known, nearestStatement } from './testing/vectors.ts';
import { createReadySegmentsRepository } from '../stats/ready-segments.repository.ts';

let fixture: TestDatabase;
beforeAll(async () => {
  fixture = await startTestDatabase();
});
afterAll(() => fixture.stop());

const tenantId = 'large';
const limit = 60;
const clock = { ahead: 0, now: () => new Date(Date.now() + clock.ahead) };

async function startMaintainer() {
  const database = new Database({
    connection: fixture.connection,
    poolSize: 1,
    acquireTimeoutMs: 20_000,
    applicationName: 'maintainer',
    onConnectionError: () => undefined,
  });
  const seen = { built: 0, failed: 0 };
  const maintainer = createVectorIndexMaintainer({
    config: toVectorIndexConfig({
      MEMORY_VECTOR_INDEX: true,
      MEMORY_VECTOR_INDEX_MIN_VECTORS: 100,
      MEMORY_VECTOR_INDEX_MAX_TAIL: 60,
      MEMORY_VECTOR_INDEX_MEMORY_MB: 64,
      MEMORY_VECTOR_INDEX_PARALLEL_WORKERS: 0,
      MEMORY_VECTOR_INDEX_INTERVAL_MS: 50,
    }),
    database,
    db: fixture.db,
    partitions: new TenantPartitions(fixture.db),
    generation: () => ({ generation, dimension, modelId: 'test', queryCentre: undefined }),
    clock,
    logger: createLogger({ service: 'test', level: 'silent' }),
    events: { built: () => (seen.built += 1), failed: () => (seen.failed += 1), longestTail: () => undefined },
  });
  onTestFinished(async () => {
    await maintainer.stop();
    await database.stop();
  });
  await maintainer.start();
  return { maintainer, seen };
}

const listSegments = () => createReadySegmentsRepository(fixture.db).listSegments(tenantId, generation);
type Listed = Awaited<ReturnType<typeof listSegments>>;

async function search(ranges: Listed): Promise<string[]> {
  const segments = known(ranges, 100);
  const { rows } = await nearestStatement({ tenantId, limit, segments }).execute(fixture.db);
  return rows.map((row) => row.id);
}

async function expectRight(lists: readonly Listed[]): Promise<void> {
  const nearest = await allByDistance(fixture.db, tenantId);
  for (const list of nonEmpty(lists)) {
    const ids = await search(list);
    expect(new Set(ids).size).toBe(Math.min(limit, nearest.length));
    expect(nearest.slice(0, 10).filter((id) => ids.includes(id)).length).toBeGreaterThanOrEqual(9);
  }
}

describe('on a server', () => {
  beforeEach((context) => {
    context.skip(
      fixture.engine === 'embedded',
      'the embedded database does one thing at a time, and has no segment indexes',
    );
  });

  test('search is right while the maintainer builds, joins and drops for a tenant that grows and shrinks', async () => {
    await sql`insert into tenant (tenant_id) values (${tenantId})`.execute(fixture.db);
    await addMessages(fixture.db, tenantId, 100);
    const { seen } = await startMaintainer();
    const lists: Listed[] = [[]];
    let atLeast = 0;
    const done = new AbortController();
    async function searching(): Promise<number> {
      let searches = 0;
      for (; !done.signal.aborted; searches += 1) {
        const expected = atLeast;
        lists.push(await listSegments());
        const list = lists[Math.floor((searches * 7919) % lists.length)] ?? [];
        const found = new Set(await search(list)).size;
        // Deleted meanwhile, they need not be found any more.
        expect(found).toBeGreaterThanOrEqual(Math.min(limit, expected, atLeast));
      }
      return searches;
    }
    async function living(): Promise<void> {
      try {
        for (let last = 100; last <= 700; last += 100) {
          if (last > 100) await addMessages(fixture.db, tenantId, last, last - 99);
          atLeast = last;
          await expect.poll(async () => (await listSegments()).length, { timeout: 20_000 }).toBeGreaterThan(0);
          await expectRight(lists.slice(-5));
        }
        atLeast = 10;
        await sql`delete from message where tenant_id = ${tenantId} and id > ${idOf(10)}`.execute(fixture.db);
        // A segment that was being built meanwhile counts its hour from its end.
        const later = async () => {
          clock.ahead += 3_700_000;
          return (await listSegments()).length;
        };
        await expect.poll(later, { timeout: 20_000 }).toBe(0);
        await expectRight(lists.slice(-5));
      } finally {
        done.abort();
      }
    }
    const [, ...searches] = await Promise.all([living(), searching(), searching()]);
    expect(Math.min(...searches)).toBeGreaterThan(10);
    expect(seen.built).toBeGreaterThan(2);
    expect(seen.failed).toBe(0);
  });
});
