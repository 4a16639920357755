import { encodeHalfvecs } from '@memory-layer/shared/db/halfvec';
import type { Schema } from '@memory-layer/shared/db/schema';
import { appendMessageEvents } from '@memory-layer/shared/events/append-message-events.sql';
import { speakerOf } from '@memory-layer/shared/message/speaker.sql';
import { sql, type Kysely, type Transaction } from 'kysely';
import type { EmbeddedBatch, EmbeddedMessage, TenantWork } from './lease.ts';

type Done = TenantWork & EmbeddedMessage;

interface FinishedRow {
  readonly tenant_id: string;
  readonly message_id: string;
  /** Passages written in all: the same in every row. */
  readonly written: number;
}

const nameOf = (tenantId: string, messageId: string): string => `${tenantId}.${messageId}`;

/**
 * Writes the vectors and deletes the pending rows, in one transaction, for the messages that still exist with the
 * content and speaker that were embedded and that nobody has completed meanwhile. Doing it twice changes nothing.
 *
 * @param halfvecOid see `findHalfvecOid`.
 * @returns how many messages of each batch were written.
 */
export async function completeMessages(
  db: Kysely<Schema>,
  batches: readonly EmbeddedBatch[],
  halfvecOid: number,
): Promise<number[]> {
  const all = batches.flatMap(({ work, messages }) => messages.map((message): Done => ({ ...work, ...message })));
  // Before the transaction, which others may have to wait for.
  const parameters = await toParameters(all, halfvecOid);
  const finished = await db.transaction().execute(async (transaction) => {
    const rows = await writeCurrent(transaction, parameters);
    const names = new Set(rows.map((row) => nameOf(row.tenant_id, row.message_id)));
    const current = all.filter((message) => names.has(nameOf(message.tenantId, message.messageId)));
    const passages = current.reduce((sum, { vectors }) => sum + vectors.length, 0);
    if ((rows[0]?.written ?? 0) < passages) {
      await replaceVectors(transaction, await toParameters(current, halfvecOid));
    }
    const byTenant = Map.groupBy(rows, (row) => row.tenant_id);
    await appendMessageEvents(
      transaction,
      [...byTenant].map(([tenantId, own]) => ({
        tenantId,
        type: 'message.embedded',
        messageIds: own.map((row) => row.message_id),
      })),
    );
    return names;
  });
  return batches.map(
    ({ work, messages }) => messages.filter(({ messageId }) => finished.has(nameOf(work.tenantId, messageId))).length,
  );
}

/** As columns; what belongs to a passage names its message by its place. */
async function toParameters(messages: readonly Done[], halfvecOid: number) {
  const passages = messages.flatMap(({ vectors }, index) =>
    vectors.map((vector, passageNo) => ({ place: index + 1, passageNo, vector })),
  );
  const vectors = await encodeHalfvecs(
    passages.map(({ vector }) => vector),
    halfvecOid,
  );
  const tenantIds = messages.map((message) => message.tenantId);
  return {
    done: sql`unnest(${tenantIds}::text[], ${messages.map((message) => message.messageId)}::uuid[],
      ${messages.map((message) => message.generation)}::int[],
      ${messages.map((message) => message.contentHash)}::bytea[], ${messages.map((message) => message.speaker ?? null)}::text[])
      with ordinality as done (tenant_id, message_id, generation, content_hash, speaker, place)`,
    passage: sql`unnest(${passages.map(({ place }) => place)}::bigint[],
      ${passages.map(({ passageNo }) => passageNo)}::smallint[],
      ${vectors}::halfvec[]) as passage (place, passage_no, vector)`,
    // Named by value, so that only the partitions of these tenants are planned.
    tenants: sql`${[...new Set(tenantIds)]}::text[]`,
  };
}

type Parameters = Awaited<ReturnType<typeof toParameters>>;

/**
 * Locked in one order, so that two workers at the same messages wait for each other instead of deadlocking; for
 * share, since a key share lock would let the content change. Each message is looked up apart: of a tenant that the
 * planner does not know yet, a join would read all messages. All in one statement: what was locked is not looked up again.
 */
async function writeCurrent(db: Transaction<Schema>, { done, passage, tenants }: Parameters): Promise<FinishedRow[]> {
  const { rows } = await sql<FinishedRow>`
    with current as materialized (
      select done.place, m.*, done.generation
      from (select * from ${done} order by tenant_id, message_id offset 0) done
      cross join lateral (
        select m.tenant_id, m.id, m.conversation_id, m.role, m.importance, m.created_at, m.expires_at from message m
        where m.tenant_id = any(${tenants}) and m.tenant_id = done.tenant_id and m.id = done.message_id
          and m.content_hash = done.content_hash and ${speakerOf('m')} is not distinct from done.speaker
        for share
      ) m
      cross join lateral (
        select from embedding_pending p
        where p.tenant_id = done.tenant_id and p.message_id = done.message_id and p.generation = done.generation
        for update
      ) p
    ), written as (
      insert into embedding (tenant_id, message_id, generation, passage_no, vector,
                             conversation_id, role, importance, created_at, expires_at)
      select c.tenant_id, c.id, c.generation, passage.passage_no, passage.vector,
             c.conversation_id, c.role, c.importance, c.created_at, c.expires_at
      from current c join ${passage} on passage.place = c.place
      on conflict on constraint embedding_pkey do nothing
      returning 1
    ), finished as (
      delete from embedding_pending p using current c
      where p.tenant_id = c.tenant_id and p.message_id = c.id and p.generation = c.generation
      returning p.tenant_id, p.message_id
    )
    select tenant_id, message_id, (select count(*)::int from written) as written from finished
  `.execute(db);
  return rows;
}

/** For what had vectors already, which is rare: a message has one set of them. */
async function replaceVectors(db: Transaction<Schema>, { done, passage, tenants }: Parameters): Promise<void> {
  await sql`
    delete from embedding e using ${done}
    where e.tenant_id = any(${tenants}) and e.tenant_id = done.tenant_id and e.message_id = done.message_id
      and e.generation = done.generation
  `.execute(db);
  await sql`
    insert into embedding (tenant_id, message_id, generation, passage_no, vector,
                           conversation_id, role, importance, created_at, expires_at)
    select m.tenant_id, m.id, done.generation, passage.passage_no, passage.vector,
           m.conversation_id, m.role, m.importance, m.created_at, m.expires_at
    from ${done} join ${passage} on passage.place = done.place
    join message m
      on m.tenant_id = any(${tenants}) and m.tenant_id = done.tenant_id and m.id = done.message_id
    on conflict on constraint embedding_pkey do nothing
  `.execute(db);
}
