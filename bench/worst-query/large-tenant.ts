import { allIds } from '@memory-layer/shared/vector-index/id-range';
import { graphOptionsFor, segmentIndexName } from '@memory-layer/shared/vector-index/segment-index';
import { createSegmentIndexStatement } from '@memory-layer/shared/vector-index/segment-index.sql';
import { Client } from 'pg';
import { createRandom } from '../load/random.ts';
import { createChatTexts, topics } from '../baseline-comparison/search/chat-texts.ts';
import { baseVectors, ensureBase, type ActiveGeneration } from '../baseline-comparison/search/populate.ts';
import type { Stack } from '../baseline-comparison/stack.ts';

export const tenantId = 'worst';

const texts = createChatTexts();
const chunk = 2000;
/** Of each this many messages one is a pasted page. */
const longEvery = 500;
const longWords = 1500;
const conversationLength = 40;
// What a quiet tenant's tail may have before the embed workers index it.
const tail = 2400;

/**
 * Stores messages of many kinds with a vector each, and indexes the vectors as the embed workers do. An api must have
 * run before: it makes the embedding generation.
 */
export async function storeLargeTenant({ db, databaseUrl, modelCacheDir }: Stack, messages: number): Promise<void> {
  const active = await ensureBase(db, modelCacheDir);
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query('insert into tenant (tenant_id) values ($1)', [tenantId]);
    for (let from = 0; from < messages; from += chunk) {
      const numbers = Array.from({ length: Math.min(chunk, messages - from) }, (_, index) => from + index);
      await insert(client, numbers, active);
    }
    await client.query('vacuum analyze message');
    await client.query('vacuum analyze embedding');
    await buildSegment(client, messages - tail, active);
  } finally {
    await client.end();
  }
}

function idAt(n: number): string {
  return `01900000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;
}

function contentOf(n: number, topic: number): string {
  if (n % longEvery !== 0) return texts.message(n, topic);
  const parts: string[] = [];
  for (let words = 0, part = 0; words < longWords; part += 1) {
    const text = texts.message(1_000_000 + n * 100 + part, topic);
    words += text.split(' ').length;
    parts.push(text);
  }
  return parts.join(' ');
}

/** Without pattern, the same for the same number. */
function spread(n: number): number {
  return Math.floor(createRandom(n)() * 1_000_000);
}

function metadataOf(n: number, topic: number): object {
  return {
    topic: `topic-${topic}`,
    half: spread(n) % 2 === 0,
    twentieth: spread(n) % 20,
    rare: spread(n) % 200,
    n,
    due: new Date(Date.UTC(2025, 0, 1) + (n % 500) * 86_400_000).toISOString().slice(0, 10),
    tags: [`a-${n % 7}`, `b-${n % 13}`, `c-${n % 101}`],
    source: { kind: n % 3 === 0 ? 'mail' : 'chat', page: n % 400, deep: { er: { still: n % 11 } } },
    ...(n % 10 === 0 && { extra: Object.fromEntries(Array.from({ length: 20 }, (_, key) => [`k${key}`, n * key])) }),
  };
}

async function insert(client: Client, numbers: readonly number[], { generation }: ActiveGeneration): Promise<void> {
  const topicOf = (n: number) => (Math.floor(n / conversationLength) * 131) % topics;
  await client.query(
    `insert into message (tenant_id, id, conversation_id, role, content, metadata, importance, content_hash, created_at,
                          updated_at)
     select $1, t.id, 'c-' || t.n / ${conversationLength},
            case when t.n % 200 = 0 then 'tool' when t.n % 40 = 1 then 'system' when t.n % 2 = 0 then 'user' else 'assistant' end,
            t.content, t.metadata, (t.n * 7 % 1000) / 1000.0, '', '2025-01-01'::timestamptz + make_interval(mins => t.n), now()
     from unnest($2::int[], $3::uuid[], $4::text[], $5::jsonb[]) as t (n, id, content, metadata)`,
    [
      tenantId,
      numbers,
      numbers.map(idAt),
      numbers.map((n) => contentOf(n, topicOf(n))),
      numbers.map((n) => JSON.stringify(metadataOf(n, topicOf(n)))),
    ],
  );
  await client.query(
    `insert into embedding (tenant_id, message_id, generation, passage_no, vector, conversation_id, role, importance,
                            created_at)
     select m.tenant_id, m.id, ${generation}, 0, l2_normalize(a.vector + a.vector + b.vector + c.vector), m.conversation_id,
            m.role, m.importance, m.created_at
     from unnest($2::int[], $3::uuid[], $4::int[]) as t (n, id, topic)
     join message m on m.tenant_id = $1 and m.id = t.id
     join bench_base a on a.id = t.topic * ${baseVectors / topics} + t.n % ${baseVectors / topics}
     join bench_base b on b.id = (t.n * 7919::bigint) % ${baseVectors}
     join bench_base c on c.id = (t.n * 104729::bigint + 13) % ${baseVectors}`,
    [tenantId, numbers, numbers.map(idAt), numbers.map(topicOf)],
  );
}

async function buildSegment(client: Client, size: number, active: ActiveGeneration): Promise<void> {
  const { generation, dimension } = active;
  const segment = { tenantId, generation, afterId: allIds.afterId, throughId: idAt(size) };
  const { rows } = await client.query<{ partition: string }>(
    'select tableoid::regclass::text as partition from embedding where tenant_id = $1 limit 1',
    [tenantId],
  );
  const options = { ...graphOptionsFor(size), dimension, partition: rows[0]?.partition ?? '' };
  await client.query(`set maintenance_work_mem = '512MB'`);
  await client.query(createSegmentIndexStatement(segment, options));
  await client.query(
    `insert into vector_index (tenant_id, generation, index_name, after_id, through_id, state, vectors)
     values ($1, $2, $3, $4, $5, 'ready', $6)`,
    [tenantId, generation, segmentIndexName(segment), segment.afterId, segment.throughId, size],
  );
}
