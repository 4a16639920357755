import { createBundledEmbedder } from '@memory-layer/shared/embedding/bundled/bundled-embedder';
import { toVectorLiteral } from '@memory-layer/shared/db/vector';
import type { Schema } from '@memory-layer/shared/db/schema';
import { sql, type Kysely } from 'kysely';
import { createChatTexts, topics } from './chat-texts.ts';
import type { Stack } from './stack.ts';

/** A tenant and how many messages it has. */
export interface Population {
  readonly tenantId: string;
  readonly messages: number;
}

export interface StoredMessage {
  readonly tenantId: string;
  readonly id: string;
  readonly conversationId: string;
  readonly role: string;
  readonly content: string;
  readonly metadata: object;
  readonly importance: number;
  readonly createdAt: Date;
  readonly topic: number;
}

const chunk = 2000;
/** Connections that write at a time: one for each core of a small machine. */
const writers = 2;
const conversationLength = 40;
/** Vectors that the model itself has made, of each topic as many; those of messages lie between them. */
const baseVectors = 2000;
const perTopic = Math.floor(baseVectors / topics);
const yearMs = 365 * 86_400_000;
const texts = createChatTexts();

/** Message ids in the order of n. */
export function idAt(n: number): string {
  return `01900000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;
}

/** Messages of a conversation keep to a topic. */
export function topicOf(n: number): number {
  return (Math.floor(n / conversationLength) * 131) % topics;
}

/** Tenants of many sizes, `messages` in all: the n-th has a share of (n + 20)^-0.8. */
export function manyTenants(tenants: number, messages: number): Population[] {
  const shares = Array.from({ length: tenants }, (_, n) => (n + 20) ** -0.8);
  const total = shares.reduce((sum, share) => sum + share, 0);
  return shares.map((share, n) => ({
    tenantId: `many-${n}`,
    messages: Math.max(1, Math.round((share / total) * messages)),
  }));
}

/** Stores tenants of chat-like messages, spread over a year. */
export async function populate(stack: Stack, population: readonly Population[]): Promise<void> {
  let number = 0;
  function* messages(): Generator<StoredMessage> {
    for (const tenant of population) {
      for (let n = 0; n < tenant.messages; n++) yield usualMessage(tenant.tenantId, n, number++);
    }
  }
  await storeMessages(
    stack,
    population.map(({ tenantId }) => tenantId),
    messages(),
  );
}

function usualMessage(tenantId: string, n: number, number: number): StoredMessage {
  const topic = topicOf(number);
  return {
    tenantId,
    id: idAt(number),
    conversationId: `c-${Math.floor(n / conversationLength)}`,
    role: n % 2 === 0 ? 'user' : 'assistant',
    content: texts.message(number, topic),
    metadata: {},
    importance: 0.1 + (number % 9) / 10,
    createdAt: new Date(Date.now() - yearMs + ((n * 7919) % 1_000_003) * (yearMs / 1_000_003)),
    topic,
  };
}

/**
 * Stores messages with their vectors, as if all had been posted and embedded. A vector is the direction of three of the
 * bundled model's own, one of them for a text of the message's topic, so that they lie as real ones do: near those of
 * their topic, and none on another. An api must have run before: it makes the embedding generation.
 */
export async function storeMessages(
  stack: Stack,
  tenantIds: readonly string[],
  messages: Iterable<StoredMessage>,
): Promise<ActiveGeneration> {
  const { db } = stack;
  const active = await ensureBase(stack);
  // What was left by a run that broke off.
  await sql`delete from message where tenant_id = any(${tenantIds}::text[])`.execute(db);
  const chunks = chunksOf(messages);
  const write = async (): Promise<void> => {
    for (const rows of chunks) await insert(db, rows, active.generation);
  };
  await Promise.all(Array.from({ length: writers }, write));
  await sql`insert into tenant (tenant_id) select unnest(${tenantIds}::text[]) on conflict do nothing`.execute(db);
  await sql`vacuum analyze message`.execute(db);
  await sql`vacuum analyze embedding`.execute(db);
  return active;
}

function* chunksOf(messages: Iterable<StoredMessage>): Generator<StoredMessage[]> {
  let rows: StoredMessage[] = [];
  for (const message of messages) {
    rows.push(message);
    if (rows.length < chunk) continue;
    yield rows;
    rows = [];
  }
  if (rows.length > 0) yield rows;
}

async function insert(db: Kysely<Schema>, rows: readonly StoredMessage[], generation: number): Promise<void> {
  const column = <K extends keyof StoredMessage>(name: K) => rows.map((row) => row[name]);
  await sql`
    insert into message (tenant_id, id, conversation_id, role, content, metadata, importance, content_hash, created_at,
                         updated_at, search_language, search_vector)
    select t.tenant_id, t.id, t.conversation_id, t.role, t.content, t.metadata, t.importance,
           sha256(convert_to(t.content, 'utf8')), t.created_at, t.created_at, 'english 3',
           to_tsvector('english', t.content)
    from unnest(${column('tenantId')}::text[], ${column('id')}::uuid[], ${column('conversationId')}::text[],
                ${column('role')}::text[], ${column('content')}::text[],
                ${rows.map(({ metadata }) => JSON.stringify(metadata))}::jsonb[], ${column('importance')}::float8[],
                ${column('createdAt')}::timestamptz[])
      as t (tenant_id, id, conversation_id, role, content, metadata, importance, created_at)
  `.execute(db);
  await sql`
    insert into embedding (tenant_id, message_id, generation, passage_no, vector, conversation_id, role, importance,
                           created_at)
    select m.tenant_id, m.id, ${generation}::int, 0, l2_normalize(a.vector + b.vector + c.vector), m.conversation_id,
           m.role, m.importance, m.created_at
    from unnest(${column('tenantId')}::text[], ${column('id')}::uuid[], ${column('topic')}::int[])
      with ordinality as t (tenant_id, id, topic, n)
    join message m on m.tenant_id = t.tenant_id and m.id = t.id
    join bench_base a on a.id = t.topic * ${perTopic}::int + (hashint8(n * 31) & 3)
    join bench_base b on b.id = abs(hashint8(hashtext(t.id::text)::bigint)::bigint) % ${baseVectors}::int
    join bench_base c on c.id = abs(hashint8(hashtext(t.id::text)::bigint * 7)::bigint) % ${baseVectors}::int
  `.execute(db);
}

export interface ActiveGeneration {
  readonly generation: number;
  readonly dimension: number;
}

/** Stores vectors of the model in bench_base (id, vector), those of a topic together. @returns their generation. */
async function ensureBase({ db, modelCacheDir: cacheDir }: Stack): Promise<ActiveGeneration> {
  const { rows } = await sql<ActiveGeneration>`
    select generation, dimension from embedding_generation where state = 'active'`.execute(db);
  const [active] = rows;
  if (active === undefined) throw new Error('start an api first: it makes the embedding generation');
  await sql`create table if not exists bench_base (id int primary key, vector halfvec not null)`.execute(db);
  const known = await sql`select 1 from bench_base limit 1`.execute(db);
  if (known.rows.length > 0) return active;
  const embedder = createBundledEmbedder({ cacheDir });
  await embedder.start();
  const contents = Array.from({ length: baseVectors }, (_, n) =>
    texts.message(10_000_000 + n, Math.floor(n / perTopic)),
  );
  const vectors = await embedder.embed(contents, { kind: 'passage' });
  await embedder.stop();
  await sql`insert into bench_base select n - 1, vector::halfvec
    from unnest(${vectors.map(toVectorLiteral)}::text[]) with ordinality as v (vector, n)`.execute(db);
  return active;
}
