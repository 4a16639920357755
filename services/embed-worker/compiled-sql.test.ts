import { compiledSql } from '@memory-layer/shared/testing/compiled-sql';
import { expect, test } from 'vitest';
import { completeMessages } from './complete-messages.sql.ts';
import { createEmbeddingRepository } from './embedding.repository.ts';
import type { EmbeddedMessage, LeaseRequest } from './lease.ts';
import { leaseTenants } from './lease-messages.sql.ts';

const work = { tenantId: 'acme', generation: 1 };
const message: EmbeddedMessage = {
  messageId: '01900000-0000-7000-8000-000000000001',
  content: 'words',
  speaker: undefined,
  contentHash: Buffer.of(1),
  attempts: 1,
  vectors: [Float32Array.of(0.6, 0.8)],
};
const written = { tenant_id: work.tenantId, message_id: message.messageId };
const halfvecOid = 16_500;
const complete = [{ work, messages: [message] }];

test('leasing', async () => {
  const request: LeaseRequest = { ...work, limit: 32, tokenBudget: 8000, leaseMs: 60_000 };
  const text = await compiledSql((db) => leaseTenants(db, [{ ...request, isolated: undefined }], request.leaseMs));
  await expect(text).toMatchFileSnapshot('__sql__/lease.sql');
});

test('completing', async () => {
  const text = await compiledSql((db) => completeMessages(db, complete, halfvecOid), [[{ ...written, written: 1 }]]);
  await expect(text).toMatchFileSnapshot('__sql__/complete.sql');
});

test('completing what had vectors already', async () => {
  const text = await compiledSql((db) => completeMessages(db, complete, halfvecOid), [[{ ...written, written: 0 }]]);
  await expect(text).toMatchFileSnapshot('__sql__/complete-again.sql');
});

test.each<[string, (repository: ReturnType<typeof createEmbeddingRepository>) => Promise<unknown>]>([
  ['renew', (repository) => repository.renew(complete, 60_000)],
  ['defer', (repository) => repository.defer(work, [message], 1000, 'the model is away')],
  ['retry-later', (repository) => repository.retryLater(work, [message], 1000, 'too slow')],
  ['fail', (repository) => repository.fail(work, [message], 'not a text')],
  ['list-overdue', (repository) => repository.listOverdue(30_000, 100)],
])('%s', async (name, run) => {
  const text = await compiledSql((db) => run(createEmbeddingRepository(db)), [[written]]);
  await expect(text).toMatchFileSnapshot(`__sql__/${name}.sql`);
});
