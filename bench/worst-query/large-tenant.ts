import { allIds } from '@memory-layer/shared/vector-index/id-range';
import { graphOptionsFor } from '@memory-layer/shared/vector-index/segment-index';
import { createChatTexts } from '../harness/chat-texts.ts';
import { idAt, storeMessages, topicOf, type StoredMessage } from '../harness/populate.ts';
import { createRandom } from '../harness/random.ts';
import { buildReadySegment } from '../harness/segments.ts';
import { openSession } from '../harness/session.ts';
import type { Stack } from '../harness/stack.ts';

export const tenantId = 'worst';

const texts = createChatTexts();
/** Of each this many messages one is a pasted page. */
const longEvery = 500;
const longWords = 1500;
// What a quiet tenant's tail may have before the embed workers index it.
const tail = 2400;

/**
 * Stores messages of many kinds with a vector each, and indexes the vectors as the embed workers do. An api must have
 * run before: it makes the embedding generation.
 */
export async function storeLargeTenant(stack: Stack, messages: number): Promise<void> {
  function* all(): Generator<StoredMessage> {
    for (let n = 0; n < messages; n++) yield messageAt(n);
  }
  const { generation, dimension } = await storeMessages(stack, [tenantId], all());
  const vectors = messages - tail;
  if (vectors <= 0) return;
  await using session = await openSession(stack.databaseUrl);
  const segment = { tenantId, generation, afterId: allIds.afterId, throughId: idAt(vectors) };
  await buildReadySegment(session.client, segment, { ...graphOptionsFor(vectors), dimension, vectors });
}

function messageAt(n: number): StoredMessage {
  const topic = topicOf(n);
  return {
    tenantId,
    id: idAt(n),
    conversationId: `c-${Math.floor(n / 40)}`,
    role: roleOf(n),
    content: contentOf(n, topic),
    metadata: metadataOf(n, topic),
    importance: ((n * 7) % 1000) / 1000,
    createdAt: new Date(Date.UTC(2025, 0, 1) + n * 60_000),
    topic,
  };
}

function roleOf(n: number): string {
  if (n % 200 === 0) return 'tool';
  if (n % 40 === 1) return 'system';
  return n % 2 === 0 ? 'user' : 'assistant';
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

function metadataOf(n: number, topic: number): object {
  // Without pattern, the same for the same number.
  const spread = Math.floor(createRandom(n)() * 1_000_000);
  return {
    topic: `topic-${topic}`,
    half: spread % 2 === 0,
    twentieth: spread % 20,
    rare: spread % 200,
    n,
    due: new Date(Date.UTC(2025, 0, 1) + (n % 500) * 86_400_000).toISOString().slice(0, 10),
    tags: [`a-${n % 7}`, `b-${n % 13}`, `c-${n % 101}`],
    source: { kind: n % 3 === 0 ? 'mail' : 'chat', page: n % 400, deep: { er: { still: n % 11 } } },
    ...(n % 10 === 0 && { extra: Object.fromEntries(Array.from({ length: 20 }, (_, key) => [`k${key}`, n * key])) }),
  };
}
