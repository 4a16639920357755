import { createHash } from 'node:crypto';
import type { EmbeddingPendingTable, Schema } from '@memory-layer/shared/db/schema';
import { sql, type Kysely, type Selectable } from 'kysely';

export const generation = 1;

const secondsAgo = (seconds: number) => sql<Date>`now() - ${seconds} * interval '1 second'`;
const hashOf = (content: string): Buffer => createHash('sha256').update(content).digest();

/** In the order in which they were made: rows that became due together are leased in it. */
const idOf = (n: number): string => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`;

export interface PendingState {
  readonly attempts?: number;
  readonly state?: 'pending' | 'failed';
  /** Below zero: still to come. */
  readonly dueSecondsAgo?: number;
  /** Below zero: still leased. */
  readonly leaseEndedSecondsAgo?: number;
}

let tenants = 0;
let messages = 0;

/** A tenant of its own for a test, with what tests put into it and ask of it. */
export function createTenant(db: Kysely<Schema>) {
  tenants += 1;
  const tenantId = `tenant-${tenants}`;
  const work = { tenantId, generation };

  async function addWithIds(entries: readonly (readonly [id: string, content: string])[]): Promise<void> {
    const rows = entries.map(([id, content]) => ({
      tenant_id: tenantId,
      id,
      conversation_id: 'c-1',
      role: 'user' as const,
      content,
      metadata: '{}',
      importance: 0.25,
      content_hash: hashOf(content),
      created_at: new Date('2026-03-01T12:00:00.000Z'),
      updated_at: new Date('2026-03-01T12:00:00.000Z'),
      search_language: 'english 3',
      search_vector: '',
    }));
    const pending = rows.map((row) => ({
      tenant_id: tenantId,
      message_id: row.id,
      generation,
      content_hash: row.content_hash,
    }));
    await db.transaction().execute(async (transaction) => {
      await transaction.insertInto('message').values(rows).execute();
      await transaction.insertInto('embedding_pending').values(pending).execute();
    });
  }

  return {
    tenantId,
    work,
    addWithIds,

    /** Messages with their pending rows, as the api stores them. @returns the ids, in order. */
    async add(...contents: readonly string[]): Promise<string[]> {
      const entries = contents.map((content) => [idOf((messages += 1)), content] as const);
      await addWithIds(entries);
      return entries.map(([id]) => id);
    },

    async setPending(ids: readonly string[], state: PendingState): Promise<void> {
      await db
        .updateTable('embedding_pending')
        .set({
          ...(state.attempts === undefined ? {} : { attempts: state.attempts }),
          ...(state.state === undefined ? {} : { state: state.state }),
          ...(state.dueSecondsAgo === undefined ? {} : { due_at: secondsAgo(state.dueSecondsAgo) }),
          ...(state.leaseEndedSecondsAgo === undefined ? {} : { leased_until: secondsAgo(state.leaseEndedSecondsAgo) }),
        })
        .where('tenant_id', '=', tenantId)
        .where('message_id', 'in', ids)
        .execute();
    },

    /** Everything that waits is due now. */
    async waitOver(): Promise<void> {
      await db
        .updateTable('embedding_pending')
        .set({ due_at: secondsAgo(0) })
        .where('tenant_id', '=', tenantId)
        .execute();
    },

    /** As the api does it: new content, no vectors, a new pending row. */
    async changeContent(id: string, content: string, on: Kysely<Schema> = db): Promise<void> {
      const content_hash = hashOf(content);
      const own = { tenant_id: tenantId, message_id: id, generation };
      await on
        .updateTable('message')
        .set({ content, content_hash })
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .execute();
      await on.deleteFrom('embedding').where('tenant_id', '=', tenantId).where('message_id', '=', id).execute();
      await on
        .insertInto('embedding_pending')
        .values({ ...own, content_hash })
        .onConflict((conflict) =>
          conflict
            .constraint('embedding_pending_pkey')
            .doUpdateSet({ content_hash, state: 'pending', attempts: 0, leased_until: null, last_error: null }),
        )
        .execute();
    },

    async deleteMessage(id: string): Promise<void> {
      await db.deleteFrom('message').where('tenant_id', '=', tenantId).where('id', '=', id).execute();
    },

    /** By message. */
    async pending(): Promise<Map<string, Selectable<EmbeddingPendingTable>>> {
      const rows = await db
        .selectFrom('embedding_pending')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .orderBy('message_id')
        .execute();
      return new Map(rows.map((row) => [row.message_id, row]));
    },

    /** Seconds until a pending message is due, by the database's clock. */
    async secondsUntilDue(id: string): Promise<number> {
      const row = await db
        .selectFrom('embedding_pending')
        .select(sql<number>`extract(epoch from due_at - now())::float8`.as('seconds'))
        .where('tenant_id', '=', tenantId)
        .where('message_id', '=', id)
        .executeTakeFirstOrThrow();
      return row.seconds;
    },

    /** What the event log says of it, in order. */
    async events() {
      return db
        .selectFrom('message_event')
        .select(['event_type', 'message_ids'])
        .where('tenant_id', '=', tenantId)
        .orderBy('event_id')
        .execute();
    },

    /** The vectors of each message, in the order of its passages. */
    async vectors(): Promise<Record<string, readonly string[]>> {
      const rows = await db
        .selectFrom('embedding')
        .select(['message_id', 'vector'])
        .where('tenant_id', '=', tenantId)
        .orderBy('message_id')
        .orderBy('passage_no')
        .execute();
      const byId = Map.groupBy(rows, (row) => row.message_id);
      return Object.fromEntries([...byId].map(([id, passages]) => [id, passages.map((row) => row.vector)]));
    },
  };
}

export type TestTenant = ReturnType<typeof createTenant>;
