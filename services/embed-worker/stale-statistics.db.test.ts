import {
  costOf,
  createStaleTenant,
  generation,
  staleStatistics,
  type StaleTenant,
} from '@memory-layer/shared/testing/stale-statistics';
import { nonEmpty } from '@memory-layer/shared/testing/non-empty';
import { startTestDatabase, type TestDatabase } from '@memory-layer/shared/testing/test-database';
import type { Schema } from '@memory-layer/shared/db/schema';
import type { Kysely } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { completeMessages } from './complete-messages.sql.ts';
import { leaseMessages } from './lease-messages.sql.ts';

const halfvecOid = 1;

/** Statements for ten messages, with the pages that they may read. */
const statements: readonly [string, number, (db: Kysely<Schema>, tenant: StaleTenant) => Promise<unknown>][] = [
  [
    'a lease',
    700,
    (db, { tenantId }) => leaseMessages(db, [{ tenantId, generation, limit: 10, tokenBudget: 100_000, leaseMs: 1000 }]),
  ],
  [
    'completed messages',
    600,
    (db, { tenantId, ids }) => {
      const messages = ids.map((messageId) => ({
        messageId,
        content: '',
        speaker: undefined,
        contentHash: Buffer.from('00', 'hex'),
        attempts: 1,
        vectors: [new Float32Array(32).fill(0.1)],
      }));
      return completeMessages(db, [{ work: { tenantId, generation }, messages }], halfvecOid);
    },
  ],
];

describe.each(staleStatistics)('with tables %s', (statistics) => {
  let database: TestDatabase;
  let tenant: StaleTenant;
  beforeAll(async () => {
    database = await startTestDatabase();
    tenant = await createStaleTenant(database.db, statistics);
  }, 60_000);
  afterAll(() => database.stop());

  test.each(statements)('%s: no more than %i pages are read', async (_, most, run) => {
    const costs = await costOf(database.db, (db) => run(db, tenant));
    expect(nonEmpty(costs).filter(({ pages }) => pages > most)).toEqual([]);
  });
});
