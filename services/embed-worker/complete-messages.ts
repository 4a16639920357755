import type { Schema } from '@memory-layer/shared/db/schema';
import { toVectorLiteral } from '@memory-layer/shared/db/vector';
import { sql, type Kysely, type Transaction } from 'kysely';
import type { LeasedMessage, TenantWork } from './lease-messages.ts';

/** A message with the vectors of its passages, in order. */
export interface EmbeddedMessage extends LeasedMessage {
  readonly vectors: readonly Float32Array[];
}

/**
 * Writes the vectors and deletes the pending rows, in one transaction, for the messages that still exist with the
 * content that was embedded and that nobody has completed meanwhile. Doing it twice changes nothing.
 *
 * @returns how many messages were written.
 */
export async function completeMessages(
  db: Kysely<Schema>,
  work: TenantWork,
  messages: readonly EmbeddedMessage[],
): Promise<number> {
  const { tenantId, generation } = work;
  return db.transaction().execute(async (transaction) => {
    const ids = new Set(await lockCurrent(transaction, work, messages));
    if (ids.size === 0) return 0;
    await writeVectors(
      transaction,
      work,
      messages.filter((message) => ids.has(message.messageId)),
    );
    await sql`
      delete from embedding_pending
      where tenant_id = ${tenantId} and generation = ${generation} and message_id = any(${[...ids]}::uuid[])
    `.execute(transaction);
    return ids.size;
  });
}

/**
 * The messages that still are as they were leased. Locked in one order, so that two workers at the same messages wait
 * for each other instead of deadlocking; for share, since a key share lock would let the content change.
 */
async function lockCurrent(
  transaction: Transaction<Schema>,
  { tenantId, generation }: TenantWork,
  messages: readonly EmbeddedMessage[],
): Promise<string[]> {
  const current = await sql<{ id: string }>`
    select m.id from message m
    join unnest(${messages.map((m) => m.messageId)}::uuid[], ${messages.map((m) => m.contentHash)}::bytea[])
      as done (id, content_hash) on m.id = done.id and m.content_hash = done.content_hash
    join embedding_pending p on p.tenant_id = ${tenantId} and p.message_id = m.id and p.generation = ${generation}
    where m.tenant_id = ${tenantId}
    order by m.id
    for share of m for update of p
  `.execute(transaction);
  return current.rows.map((row) => row.id);
}

/** Replaces what vectors there may be: a message has one set of them. */
async function writeVectors(
  transaction: Transaction<Schema>,
  { tenantId, generation }: TenantWork,
  messages: readonly EmbeddedMessage[],
): Promise<void> {
  const passages = messages.flatMap((message) =>
    message.vectors.map((vector, passageNo) => ({ id: message.messageId, passageNo, vector })),
  );
  await sql`
    with beyond as (
      delete from embedding e
      using unnest(${messages.map((m) => m.messageId)}::uuid[], ${messages.map((m) => m.vectors.length)}::int[])
        as done (id, passages)
      where e.tenant_id = ${tenantId} and e.generation = ${generation}
        and e.message_id = done.id and e.passage_no >= done.passages
    )
    insert into embedding (tenant_id, message_id, generation, passage_no, vector,
                           conversation_id, role, importance, created_at)
    select m.tenant_id, m.id, ${generation}::int, p.passage_no, p.vector::halfvec,
           m.conversation_id, m.role, m.importance, m.created_at
    from unnest(${passages.map((p) => p.id)}::uuid[], ${passages.map((p) => p.passageNo)}::smallint[],
                ${passages.map((p) => toVectorLiteral(p.vector))}::text[]) as p (id, passage_no, vector)
    join message m on m.tenant_id = ${tenantId} and m.id = p.id
    on conflict on constraint embedding_pkey do update set vector = excluded.vector
  `.execute(transaction);
}
