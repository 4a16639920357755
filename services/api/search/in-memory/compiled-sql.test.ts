import { compiledSql } from '@memory-layer/shared/testing/compiled-sql';
import { expect, test } from 'vitest';
import { createTenantIndexRepository, type TenantIndexRepository } from './tenant-index.repository.ts';

const of = { tenant: { id: 'acme', isLiteral: false, partition: 3 }, generation: 1 };
const ids = ['01900000-0000-7000-8000-000000000001', '01900000-0000-7000-8000-000000000002'];
const unchanged = { horizon: '7', ceiling: '7', pruned_transaction_id: null, events: [], pending_ids: [] };

test.each<[string, (repository: TenantIndexRepository) => Promise<unknown>, answer?: object]>([
  ['changes', (repository) => repository.readChanges(of, { transactionId: 7n, eventId: 1n }), unchanged],
  ['messages', (repository) => repository.readMessages(of, ids)],
  ['vectors', (repository) => repository.listVectors(of, ids)],
])('%s', async (name, run, answer) => {
  const text = await compiledSql(
    (db) => run(createTenantIndexRepository({ queries: db, prepared: db })),
    [answer === undefined ? [] : [{ ...answer }]],
  );
  await expect(text).toMatchFileSnapshot(`__sql__/${name}.sql`);
});
