import { systemOrigin } from '@memory-layer/shared/audit/audit-event';
import type { Schema } from '@memory-layer/shared/db/schema';
import { startTestDatabase, type TestDatabase } from '@memory-layer/shared/testing/test-database';
import { nonEmpty } from '@memory-layer/shared/testing/non-empty';
import { sql, type Kysely } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { recordQueries } from '../testing/record-queries.ts';
import { storeFailed } from '../testing/store-failed.ts';
import { createEmbeddingFailureRepository } from './embedding-failure.repository.ts';

const scope = { tenantId: 'mine', generation: 1 };

let database: TestDatabase;
let ids: readonly string[];
beforeAll(async () => {
  database = await startTestDatabase();
  const { db } = database;
  ids = await storeFailed({ db, generation: 1 }, { tenantId: 'mine', count: 1500 });
  await storeFailed({ db, generation: 1 }, { tenantId: 'other', count: 1500 });
  await sql`analyze`.execute(db);
});
afterAll(() => database.stop());

/** Without scans of whole tables: they are right while tables are as small as a test's. */
async function plansOf(run: (db: Kysely<Schema>) => Promise<unknown>): Promise<string[]> {
  return database.db.transaction().execute(async (transaction) => {
    await sql`set local enable_seqscan to off`.execute(transaction);
    const recorder = recordQueries(transaction);
    await run(recorder.db);
    return recorder.explainAll();
  });
}

test('a page of failures is read in the order of its index, from one partition', async () => {
  for (const before of [undefined, ids[1000]]) {
    const plans = await plansOf(async (db) => {
      const failures = createEmbeddingFailureRepository(db);
      expect(await failures.list({ ...scope, before, limit: 51 })).toHaveLength(51);
      expect(await failures.listIds({ ...scope, before, limit: 100 })).toHaveLength(100);
    });
    expect(plans).toHaveLength(2);
    for (const plan of plans) {
      expect(plan).toMatch(/Scan Backward using embedding_pending_failed_idx/);
      expect(plan).not.toMatch(/Seq Scan on (message|embedding_pending)/);
      expect(new Set(plan.match(/(?<=message_p)\d+/g)).size).toBeLessThanOrEqual(1);
    }
  }
});

test('failures that are named are found by index', async () => {
  const plans = await plansOf(async (db) => {
    const failures = createEmbeddingFailureRepository(db);
    const some = ids.slice(0, 20);
    await failures.retry(scope, some, systemOrigin('test'));
    expect(await failures.findExisting('mine', some)).toHaveLength(20);
  });
  for (const plan of nonEmpty(plans)) expect(plan).not.toMatch(/Seq Scan on (message|embedding_pending)/);
});
