import {
  costOf,
  createStaleTenant,
  staleStatistics,
  type StaleTenant,
} from '@memory-layer/shared/testing/stale-statistics';
import { nonEmpty } from '@memory-layer/shared/testing/non-empty';
import { startTestDatabase, type TestDatabase } from '@memory-layer/shared/testing/test-database';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cutoffsAt, resolvePolicy } from '@memory-layer/shared/retention/retention-policy';
import { archiveStatement, deleteStatement } from './batch.sql.ts';

const policy = resolvePolicy(undefined, {
  maxAgeDays: 30,
  ageOf: 'created',
  importanceThreshold: 0.35,
  deleteAfterDays: 30,
});

describe.each(staleStatistics)('with tables %s', (statistics) => {
  let database: TestDatabase;
  let tenant: StaleTenant;
  const now = new Date();
  beforeAll(async () => {
    database = await startTestDatabase();
    tenant = await createStaleTenant(database.db, statistics);
  }, 60_000);
  afterAll(() => database.stop());

  const request = { limit: 10, after: undefined, policy, cutoffs: cutoffsAt(policy, now) };

  test.each(['age'] as const)('a batch by %s: no more than 1500 pages are read', async (reason) => {
    const costs = await costOf(database.db, (db) =>
      archiveStatement({ ...request, tenantId: tenant.tenantId, reason }).execute(db),
    );
    expect(nonEmpty(costs).filter(({ pages }) => pages > 1500)).toEqual([]);
  });

  test.each(['expired', 'expired-copies', 'old-copies'] as const)(
    'a batch of deletes of %s: no more than 300 pages are read',
    async (what) => {
      const costs = await costOf(database.db, (db) =>
        deleteStatement({ ...request, tenantId: tenant.tenantId, what }).execute(db),
      );
      expect(nonEmpty(costs).filter(({ pages }) => pages > 300)).toEqual([]);
    },
  );
});
