import { sql, type Kysely } from 'kysely';
import type { Schema } from '../db/schema.ts';
import type { PendingCounts } from '../observability/metrics-state.ts';

/** Of all tenants and generations; for gauges. One pass over the outbox, which is short while all is well. */
export function createPendingMessagesRepository(db: Kysely<Schema>) {
  return {
    async count(): Promise<PendingCounts> {
      // By created_at: due_at moves on with every retry, and would stay young through a long outage.
      const { rows } = await sql<{ pending: number; failed: number; oldest: number | null }>`
        select count(*) filter (where state = 'pending')::float8 as pending,
          count(*) filter (where state = 'failed')::float8 as failed,
          extract(epoch from now() - min(created_at) filter (where state = 'pending'))::float8 as oldest
        from embedding_pending`.execute(db);
      const { pending = 0, failed = 0, oldest = null } = rows[0] ?? {};
      return { pending, failed, oldestPendingSeconds: Math.max(0, oldest ?? 0) };
    },
  };
}
