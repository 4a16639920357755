import { systemOrigin } from '@memory-layer/shared/audit/audit-event';
import { instantOf } from '@memory-layer/shared/time/instant';
import type { Schema } from '@memory-layer/shared/db/schema';
import { compiledSql } from '@memory-layer/shared/testing/compiled-sql';
import type { Kysely } from 'kysely';
import { expect, test } from 'vitest';
import { createMessageRepository, type ListFilter } from './message.repository.ts';
import { createEmbeddingStatusRepository } from './wait/embedding-status.repository.ts';

const tenantId = 'acme';
const id = '01900000-0000-7000-8000-000000000001';
const page: ListFilter = {
  tenantId,
  conversationId: undefined,
  order: 'asc',
  after: undefined,
  limit: 50,
  generation: 1,
};
const awaited = { tenantId, generation: 1, messageIds: [id] };

const partitions = { get: async () => 3 };

test.each<[string, (db: Kysely<Schema>) => Promise<unknown>]>([
  ['find-message', (db) => createMessageRepository(db, partitions).findById(tenantId, id, 1)],
  ['list-messages', (db) => createMessageRepository(db, partitions).list(page)],
  [
    'list-messages-of-conversation',
    (db) =>
      createMessageRepository(db, partitions).list({
        ...page,
        conversationId: 'c-1',
        order: 'desc',
        after: { createdAt: instantOf(new Date('2026-01-01T00:00:00Z')), id, order: 'desc' },
      }),
  ],
  ['delete-message', (db) => createMessageRepository(db, partitions).deleteById(tenantId, id, systemOrigin('test'))],
  ['pending-of-awaited', (db) => createEmbeddingStatusRepository(db).readPending([awaited])],
  ['settled-of-awaited', (db) => createEmbeddingStatusRepository(db).readSettled(awaited)],
])('%s', async (name, run) => {
  await expect(await compiledSql(run)).toMatchFileSnapshot(`__sql__/${name}.sql`);
});
