import { createBundledEmbedder } from '@memory-layer/shared/embedding/bundled/bundled-embedder';
import { toVectorLiteral } from '@memory-layer/shared/db/vector';
import type { Schema } from '@memory-layer/shared/db/schema';
import { sql, type Kysely } from 'kysely';
import { createChatTexts, topics } from './chat-texts.ts';

/** A tenant and how many messages it has. */
export interface Population {
  readonly tenantId: string;
  readonly messages: number;
}

export interface PopulateOptions {
  readonly modelCacheDir: string;
  /** Embedding rows of a message, on average; whole or with halves. */
  readonly passages: number;
}

const chunk = 2000;
/** Connections that write at a time: one for each core of a small machine. */
const writers = 2;
const conversationLength = 40;
/** Vectors that the model itself has made; those of messages lie between them. */
export const baseVectors = 2000;
const texts = createChatTexts();

/**
 * Stores messages with their vectors, as if all had been posted and embedded: chat-like texts of conversations that
 * keep to a topic, spread over a year. A vector is the direction of three of the bundled model's own for texts of that
 * topic, so that they lie as real ones do: near those of their topic, and none on another. Made by the server itself.
 */
export async function populate(
  db: Kysely<Schema>,
  population: readonly Population[],
  options: PopulateOptions,
): Promise<void> {
  const { generation } = await ensureBase(db, options.modelCacheDir);
  // What was left by a run that broke off.
  const tenants = population.map(({ tenantId }) => tenantId);
  await sql`delete from message where tenant_id = any(${tenants}::text[])`.execute(db);
  const chunks = chunksOf(population);
  const write = async (): Promise<void> => {
    for (const rows of chunks) await insert(db, rows, generation, options.passages);
  };
  await Promise.all(Array.from({ length: writers }, write));
  await sql`insert into tenant (tenant_id) select unnest(${tenants}::text[])
    on conflict do nothing`.execute(db);
  await sql`vacuum analyze message`.execute(db);
  await sql`vacuum analyze embedding`.execute(db);
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

function* chunksOf(population: readonly Population[]): Generator<Row[], undefined> {
  let number = 0;
  let rows: Row[] = [];
  for (const { tenantId, messages } of population) {
    for (let n = 0; n < messages; n++) {
      rows.push(rowOf(tenantId, n, number++));
      if (rows.length < chunk) continue;
      yield rows;
      rows = [];
    }
  }
  if (rows.length > 0) yield rows;
  return undefined;
}

interface Row {
  readonly tenantId: string;
  readonly id: string;
  readonly conversationId: string;
  readonly role: string;
  readonly content: string;
  readonly createdAt: string;
  readonly topic: number;
}

const yearMs = 365 * 86_400_000;

function rowOf(tenantId: string, n: number, number: number): Row {
  const topic = (Math.floor(number / conversationLength) * 131) % topics;
  return {
    tenantId,
    id: `01900000-0000-7000-8000-${number.toString(16).padStart(12, '0')}`,
    conversationId: `c-${Math.floor(n / conversationLength)}`,
    role: n % 2 === 0 ? 'user' : 'assistant',
    content: texts.message(number, topic),
    createdAt: new Date(Date.now() - yearMs + ((n * 7919) % 1_000_003) * (yearMs / 1_000_003)).toISOString(),
    topic,
  };
}

async function insert(db: Kysely<Schema>, rows: readonly Row[], generation: number, passages: number): Promise<void> {
  const column = <K extends keyof Row>(name: K) => rows.map((row) => row[name]);
  await sql`
    insert into message (tenant_id, id, conversation_id, role, content, metadata, importance, content_hash, created_at,
                         updated_at)
    select t.tenant_id, t.id, t.conversation_id, t.role, t.content, '{}', 0.1 + (n % 9) / 10.0, sha256(t.content::bytea),
           t.created_at, t.created_at
    from unnest(${column('tenantId')}::text[], ${column('id')}::uuid[], ${column('conversationId')}::text[],
                ${column('role')}::text[], ${column('content')}::text[], ${column('createdAt')}::timestamptz[])
      with ordinality as t (tenant_id, id, conversation_id, role, content, created_at, n)
  `.execute(db);
  const perTopic = Math.floor(baseVectors / topics);
  // The n-th message has floor or ceil of what messages have on average.
  await sql`
    insert into embedding (tenant_id, message_id, generation, passage_no, vector, conversation_id, role, importance,
                           created_at)
    select t.tenant_id, t.id, ${generation}::int, p.no, l2_normalize(a.vector + b.vector + c.vector), t.conversation_id, t.role,
           0.1 + (n % 9) / 10.0, t.created_at
    from unnest(${column('tenantId')}::text[], ${column('id')}::uuid[], ${column('conversationId')}::text[],
                ${column('role')}::text[], ${column('topic')}::int[], ${column('createdAt')}::timestamptz[])
      with ordinality as t (tenant_id, id, conversation_id, role, topic, created_at, n)
    cross join lateral generate_series(0, floor(${passages}::float8 + (n % 2) / 2.0)::int - 1) as p (no)
    join bench_base a on a.id = t.topic * ${perTopic}::int + (hashint8(n * 31 + p.no) & 3)
    join bench_base b on b.id = abs(hashint8(hashtext(t.id::text)::bigint + p.no)::bigint) % ${baseVectors}::int
    join bench_base c on c.id = abs(hashint8(hashtext(t.id::text)::bigint * 7 + p.no)::bigint) % ${baseVectors}::int
  `.execute(db);
}

export interface ActiveGeneration {
  readonly generation: number;
  readonly dimension: number;
}

/** Stores vectors of the model in bench_base (id, vector), those of a topic together. @returns their generation. */
export async function ensureBase(db: Kysely<Schema>, cacheDir: string): Promise<ActiveGeneration> {
  const { rows } = await sql<ActiveGeneration>`
    select generation, dimension from embedding_generation where state = 'active'`.execute(db);
  const [active] = rows;
  if (active === undefined) throw new Error('start an api first: it makes the embedding generation');
  await sql`create table if not exists bench_base (id int primary key, vector halfvec not null)`.execute(db);
  const known = await sql<{ n: string }>`select count(*) as n from bench_base`.execute(db);
  if (known.rows[0]?.n === String(baseVectors)) return active;
  const embedder = createBundledEmbedder({ cacheDir });
  await embedder.start();
  const perTopic = Math.floor(baseVectors / topics);
  const contents = Array.from({ length: baseVectors }, (_, n) =>
    texts.message(10_000_000 + n, Math.floor(n / perTopic)),
  );
  const vectors = await embedder.embed(contents, { kind: 'passage' });
  await embedder.stop();
  await sql`insert into bench_base select n - 1, vector::halfvec
    from unnest(${vectors.map(toVectorLiteral)}::text[]) with ordinality as v (vector, n)`.execute(db);
  return active;
}
