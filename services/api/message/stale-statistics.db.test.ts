import { TenantPartitions } from '@memory-layer/shared/db/tenant-partitions.repository';
import { nonEmpty } from '@memory-layer/shared/testing/non-empty';
import {
  costOf,
  createStaleTenant,
  generation,
  staleStatistics,
  type StaleTenant,
} from '@memory-layer/shared/testing/stale-statistics';
import { startTestDatabase, type TestDatabase } from '@memory-layer/shared/testing/test-database';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createMessageRepository, type MessageRepository } from './message.repository.ts';

const page = { order: 'desc', after: undefined, limit: 20, generation } as const;

const reads: readonly [string, number, (repository: MessageRepository, tenant: StaleTenant) => Promise<unknown>][] = [
  ['a message', 30, (r, { tenantId, ids }) => r.findById(tenantId, ids[0] ?? '', generation)],
  ['a list', 200, (r, { tenantId }) => r.list({ ...page, tenantId, conversationId: undefined })],
  ['a conversation', 160, (r, { tenantId }) => r.list({ ...page, tenantId, conversationId: 'c-1' })],
  [
    'a conversation from its start',
    160,
    (r, { tenantId }) => r.list({ ...page, tenantId, conversationId: 'c-1', order: 'asc' }),
  ],
];

describe.each(staleStatistics)('with tables %s', (statistics) => {
  let database: TestDatabase;
  let tenant: StaleTenant;
  let partitions: TenantPartitions;
  beforeAll(async () => {
    database = await startTestDatabase();
    tenant = await createStaleTenant(database.db, statistics);
    partitions = new TenantPartitions(database.db);
    await partitions.get(tenant.tenantId);
  }, 60_000);
  afterAll(() => database.stop());

  test.each(reads)('%s: no more than %i pages are read', async (_, most, read) => {
    const costs = await costOf(database.db, (db) => read(createMessageRepository(db, partitions), tenant));
    expect(nonEmpty(costs).filter(({ pages }) => pages > most)).toEqual([]);
  });
});
