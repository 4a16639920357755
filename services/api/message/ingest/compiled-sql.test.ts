import { instantOf } from '@memory-layer/shared/time/instant';
import type { Schema } from '@memory-layer/shared/db/schema';
import { compiledSql } from '@memory-layer/shared/testing/compiled-sql';
import type { Kysely } from 'kysely';
import { expect, test } from 'vitest';
import type { NewMessage } from '../message.ts';
import { toMessageRow, type MessageRow } from './message-row.ts';
import { createMessageWriteRepository } from './message-write.repository.ts';

const tenantId = 'acme';
const now = instantOf(new Date('2026-01-01T00:00:00Z'));

function rowOf(n: number, message: Partial<NewMessage>): MessageRow {
  const plain = { tenantId, conversationId: 'c-1', role: 'user', content: 'words', metadata: {} } as const;
  const unset = { importanceOverride: undefined, externalId: undefined, createdAt: undefined, expiresAt: undefined };
  return toMessageRow({ ...plain, ...unset, ...message }, 1, now, `01900000-0000-7000-8000-00000000000${n}`);
}

const write = (db: Kysely<Schema>, rows: readonly MessageRow[], key?: string) => {
  const repository = createMessageWriteRepository(db, { onRefusedRow: () => undefined });
  return repository.write([
    { rows, claim: key === undefined ? undefined : { tenantId, key, requestHash: Buffer.of(1) } },
  ]);
};
const plain = rowOf(1, {});
const named = rowOf(2, { externalId: 'mine' });
const existing = {
  id: '01900000-0000-7000-8000-000000000009',
  tenant_id: tenantId,
  external_id: named.externalId,
  conversation_id: named.conversationId,
  role: named.role,
  metadata: {},
  importance: 0.2,
  content_hash: named.contentHash,
  created_at: '2026-01-01T00:00:00.000000Z',
  updated_at: '2026-01-01T00:00:00.000000Z',
  expires_at: null,
  embedding_status: 'completed',
  archived_at: null,
};

test('messages', async () => {
  const text = await compiledSql((db) => write(db, [plain, rowOf(3, {})]));
  await expect(text).toMatchFileSnapshot('__sql__/insert-messages.sql');
});

test('messages with an external id, of which one is taken', async () => {
  const text = await compiledSql((db) => write(db, [named, rowOf(3, {})]), [[{ id: rowOf(3, {}).id }], [], [existing]]);
  await expect(text).toMatchFileSnapshot('__sql__/insert-messages-by-external-id.sql');
});

test('a message with an external id that is taken, which gets what was sent', async () => {
  const sent = { externalId: 'mine', importanceOverride: 0.9, metadata: { speaker: 'Ana' } };
  const row = { ...rowOf(2, sent), onConflict: 'update' } as const;
  const answers = [[], [], [existing], [{ ...existing, importance: 0.9, speaker_changed: true }]];
  const text = await compiledSql((db) => write(db, [row]), answers);
  await expect(text).toMatchFileSnapshot('__sql__/update-message.sql');
});

test('messages under an idempotency key', async () => {
  const text = await compiledSql((db) => write(db, [plain], 'key-1'), [[{ n: 1 }]]);
  await expect(text).toMatchFileSnapshot('__sql__/insert-messages-under-key.sql');
});

test('messages under an idempotency key that is taken', async () => {
  const answer = { request_hash: Buffer.of(1), answer: { outcomes: [] } };
  const text = await compiledSql((db) => write(db, [plain], 'key-1'), [[], [answer]]);
  await expect(text).toMatchFileSnapshot('__sql__/find-answer-under-key.sql');
});
