import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Schema } from '@memory-layer/shared/db/schema';
import type { embeddingQueue } from '@memory-layer/shared/queue/catalog';
import type { Producer } from '@memory-layer/shared/queue/queue-port';
import { sql, type Kysely } from 'kysely';

export interface PendingText {
  readonly tenantId: string;
  readonly text: string;
}

// Random ids are above it, but for one in four thousand millions; those of vectors stored before the first round below.
const firstRandomId = '00000001-0000-0000-0000-000000000000';
const ofMessages = sql<boolean>`message_id > ${firstRandomId}::uuid`;

export type JobProducer = Pick<Producer<typeof embeddingQueue>, 'add'>;

// The shorter, the more of the machine the question takes; a round takes seconds.
const pollMs = 30;
const probePollMs = 10;
const patienceMs = 300_000;

/** Spreads texts over tenants in turn: each has messages of all lengths. */
export function spread(texts: readonly string[], tenants: number, prefix: string): PendingText[] {
  return texts.map((text, n) => ({ tenantId: `${prefix}-${n % tenants}`, text }));
}

/** Stores messages with their pending rows, all in one transaction, as if the api had accepted them just now. */
export async function storePending(
  db: Kysely<Schema>,
  generation: number,
  messages: readonly PendingText[],
): Promise<void> {
  const hashes = messages.map(({ text }) => createHash('sha256').update(text).digest());
  await sql`
    with stored as (
      insert into message (tenant_id, id, conversation_id, role, content, metadata, importance, content_hash,
                           created_at, updated_at, search_language, search_vector)
      select tenant_id, gen_random_uuid(), 'chat', 'user', content, '{}', 0.233, content_hash, now(), now(), 'english 3', to_tsvector('english', content)
      from unnest(${messages.map((message) => message.tenantId)}::text[], ${messages.map(({ text }) => text)}::text[],
                  ${hashes}::bytea[]) as given (tenant_id, content, content_hash)
      returning tenant_id, id, content_hash
    )
    insert into embedding_pending (tenant_id, message_id, generation, content_hash)
    select tenant_id, id, ${generation}::int, content_hash from stored
  `.execute(db);
}

/** One job a tenant, as the api enqueues it. */
export async function enqueueFor(
  producer: JobProducer,
  generation: number,
  tenantIds: Iterable<string>,
): Promise<void> {
  await Promise.all(
    [...new Set(tenantIds)].map((tenantId) =>
      producer.add('embed-messages', { v: 1, tenantId, generation }, { deduplicationId: `${tenantId}.${generation}` }),
    ),
  );
}

/** Waits until nothing of this tenant (of any without it) is pending. @throws after five minutes, or when a message failed. */
export async function untilEmbedded(db: Kysely<Schema>, tenantId?: string): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (performance.now() < deadline) {
    if (!(await isPending(db, tenantId))) return;
    await sleep(tenantId === undefined ? pollMs : probePollMs);
  }
  throw new Error('messages are still pending');
}

/** @throws when a message failed. */
export async function isPending(db: Kysely<Schema>, tenantId?: string): Promise<boolean> {
  const { rows } = await sql<{ state: string }>`
    select state from embedding_pending
    where ${tenantId === undefined ? sql`true` : sql`tenant_id = ${tenantId}`} limit 1`.execute(db);
  if (rows[0]?.state === 'failed') throw new Error('a message failed');
  return rows.length > 0;
}

/** @throws unless there is exactly one vector for each of the messages; chat turns have one passage. */
export async function expectVectors(db: Kysely<Schema>, messages: number): Promise<void> {
  const { rows } = await sql<{ vectors: string; messages: string }>`
    select count(*) as vectors, count(distinct (tenant_id, message_id)) as messages from embedding where ${ofMessages}
  `.execute(db);
  const [found] = rows;
  if (Number(found?.vectors) < messages || Number(found?.messages) !== messages) {
    throw new Error(`${found?.vectors} vectors of ${found?.messages} messages, not of ${messages}`);
  }
}

/** Begins again, as after a vacuum: rows of an earlier round must not slow the next one. */
export async function clear(db: Kysely<Schema>): Promise<void> {
  await sql`truncate message, embedding_pending`.execute(db);
  await sql`delete from embedding where ${ofMessages}`.execute(db);
  await sql`vacuum embedding`.execute(db);
}
