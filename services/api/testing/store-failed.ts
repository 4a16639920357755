import { sql } from 'kysely';
import type { TestApi } from './test-api.ts';

export interface FailedMessages {
  readonly tenantId: string;
  readonly count: number;
  readonly reason?: string;
  readonly attempts?: number;
}

/** Stores messages that an embed worker has given up. @returns their ids, in the order in which they were stored. */
export async function storeFailed(
  { db, generation }: Pick<TestApi, 'db' | 'generation'>,
  { tenantId, count, reason = 'refused', attempts = 3 }: FailedMessages,
): Promise<string[]> {
  // As UUIDv7: the later, the larger.
  const { rows } = await sql<{ id: string }>`
    with stored as (
      insert into message (tenant_id, id, conversation_id, role, content, metadata, importance, content_hash,
                           created_at, updated_at, search_language, search_vector)
      select ${tenantId}, ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'c', 'user', 'words ' || n,
             '{}', 0.2, decode('00', 'hex'), '2026-01-01'::timestamptz + n * interval '1 second', now(), 'english 3', to_tsvector('english', 'words ' || n)
      from generate_series(1, ${count}::int) n
      returning id, content_hash
    ), given_up as (
      insert into embedding_pending (tenant_id, message_id, generation, content_hash, state, attempts, last_error,
                                     failed_at, created_at)
      select ${tenantId}, id, ${generation}::int, content_hash, 'failed', ${attempts}::int, ${reason},
             '2026-01-02', '2026-01-01'
      from stored
    )
    select id from stored order by id`.execute(db);
  return rows.map((row) => row.id);
}
