import type { Schema } from '@memory-layer/shared/db/schema';
import { sql, type Kysely } from 'kysely';

export interface AwaitedMessages {
  readonly tenantId: string;
  readonly generation: number;
  readonly messageIds: readonly string[];
}

/** `gone`: deleted or archived. */
export type AwaitedStatus = 'pending' | 'completed' | 'failed' | 'gone';

/** How statuses are read: {@link createEmbeddingStatusRepository}, or a fake. */
export interface EmbeddingStatuses {
  /** The ids that wait for their embedding or were given up, of each entry in turn. */
  readPending(awaited: readonly AwaitedMessages[]): Promise<readonly ReadonlyMap<string, 'pending' | 'failed'>[]>;
  /** Of messages without a pending row: whether they have vectors, or are not there at all. */
  readSettled(awaited: AwaitedMessages): Promise<ReadonlyMap<string, AwaitedStatus>>;
}

export function createEmbeddingStatusRepository(db: Kysely<Schema>): EmbeddingStatuses {
  return {
    async readPending(awaited) {
      const flat = awaited.flatMap(({ tenantId, generation, messageIds }, index) =>
        messageIds.map((messageId) => ({ tenantId, generation, messageId, index })),
      );
      const { rows } = await sql<{ index: number; message_id: string; state: 'pending' | 'failed' }>`
        select awaited.index, p.message_id, p.state
        from unnest(${flat.map((one) => one.index)}::int[], ${flat.map((one) => one.tenantId)}::text[],
                    ${flat.map((one) => one.messageId)}::uuid[], ${flat.map((one) => one.generation)}::int[])
          as awaited (index, tenant_id, message_id, generation)
        join embedding_pending p using (tenant_id, message_id, generation)
      `.execute(db);
      const statuses = awaited.map(() => new Map<string, 'pending' | 'failed'>());
      for (const row of rows) statuses[row.index]?.set(row.message_id, row.state);
      return statuses;
    },

    // The tenant by value: a column of another table would bring all partitions into the plan.
    async readSettled({ tenantId, generation, messageIds }) {
      const { rows } = await sql<{ id: string; is_embedded: boolean }>`
        select id, exists (
          select from embedding
          where tenant_id = ${tenantId} and message_id = message.id and generation = ${generation}
        ) as is_embedded
        from message where tenant_id = ${tenantId} and id = any(${messageIds}::uuid[])
      `.execute(db);
      const found = new Map(rows.map((row) => [row.id, row.is_embedded]));
      return new Map(messageIds.map((id) => [id, toStatus(found.get(id))]));
    },
  };
}

/** Neither vectors nor a pending row: its content was changed between the two queries, and it will be pending. */
function toStatus(isEmbedded: boolean | undefined): AwaitedStatus {
  if (isEmbedded === undefined) return 'gone';
  return isEmbedded ? 'completed' : 'pending';
}
