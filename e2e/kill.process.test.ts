import { eventually } from '@memory-layer/shared/testing/eventually';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApiClient, type ApiClient } from './api-client.ts';
import { startEmbeddingServer, type EmbeddingServer } from './embedding-server.ts';
import { makeDataDir, startStandalone, type StandaloneProcess } from './standalone-process.ts';

const rounds = 5;
const senders = 8;
const batchSize = 16;
// Between two requests of a sender: enough is under way at each kill, and not more than can be looked at.
const pauseMs = 15;
const killed = { code: null, signal: 'SIGKILL' };

let folder: Awaited<ReturnType<typeof makeDataDir>>;
let embedding: EmbeddingServer;
let server: StandaloneProcess;
beforeAll(async () => {
  folder = await makeDataDir();
  embedding = await startEmbeddingServer();
  server = await start();
});
afterAll(async () => {
  await server.kill('SIGKILL');
  await embedding.stop();
  await folder.remove();
});

/** On the data that the process before it left. */
async function start(): Promise<StandaloneProcess> {
  const env = { ...embedding.env, MEMORY_EMBEDDING_JOB_BATCH_SIZE: String(batchSize) };
  return startStandalone({ dataDir: folder.path, env });
}

/** What `fetch` throws when the process goes away, before or in the middle of an answer. */
function isLostConnection(error: unknown): boolean {
  return error instanceof TypeError && error.cause instanceof Error;
}

/** Sends singles and batches until the process dies under it. @returns what was acknowledged, and all that was sent. */
async function sendUntilDeath(target: StandaloneProcess, round: number) {
  const api = createApiClient(target);
  const acknowledged = new Map<string, string>();
  const sent = new Set<string>();
  let dead = false;
  const loops = Array.from({ length: senders }, async (_, sender) => {
    for (let n = 0; !dead; n++) {
      const contents = Array.from({ length: n % 3 === 0 ? 10 : 1 }, (__, item) => `${round} ${sender} ${n} ${item}`);
      for (const content of contents) sent.add(content);
      const messages = contents.map((content) => ({
        tenant_id: 'kill',
        conversation_id: `c${sender}`,
        role: 'user',
        content,
      }));
      await sleep(pauseMs);
      try {
        const answer =
          messages.length === 1
            ? await api.post('/v1/messages', messages[0])
            : await api.post('/v1/messages/batch', { messages });
        if (answer.status !== 202) throw new Error(`answered ${answer.status}`);
        for (const stored of answer.body.created ?? [answer.body]) acknowledged.set(stored.id, stored.content);
      } catch (error) {
        if (!isLostConnection(error)) throw error;
        dead = true;
      }
    }
  });
  setTimeout(() => void target.kill('SIGKILL'), 700 + round * 300);
  await Promise.all(loops);
  // That it died of our signal, and not of its own accord before.
  expect(await target.kill('SIGKILL')).toEqual(killed);
  expect(acknowledged.size).toBeGreaterThan(senders);
  return { acknowledged, sent };
}

test('kill -9 in the middle of ingest and embedding loses and doubles nothing that was acknowledged', async () => {
  const acknowledged = new Map<string, string>();
  const sent = new Set<string>();
  // So slow that embedding is behind when the process dies.
  embedding.delayMs = 50;
  for (let round = 0; round < rounds; round++) {
    const outcome = await sendUntilDeath(server, round);
    for (const [id, content] of outcome.acknowledged) acknowledged.set(id, content);
    for (const content of outcome.sent) sent.add(content);
    server = await start();
  }

  embedding.delayMs = 0;
  const api = createApiClient(server);
  const stored = await api.waitUntilSettled('kill');
  const contentOf = new Map(stored.map((message) => [message.id, message.content]));
  expect([...acknowledged].filter(([id, content]) => contentOf.get(id) !== content)).toEqual([]);
  expect(new Set(stored.map((message) => message.content)).size).toBe(stored.length);
  expect(stored.filter((message) => !sent.has(message.content))).toEqual([]);
  expect(stored.filter((message) => message.embedding_status !== 'completed')).toEqual([]);
});

const conversations = ['a', 'b', 'c', 'd'];

/** Ids of a conversation's messages as a search by vectors alone finds them. */
async function findByVector(api: ApiClient, conversation_id: string): Promise<string[]> {
  const body = { tenant_id: 'embed', conversation_id, query: 'anything at all', mode: 'vector', top_k: 100 };
  const answer = await api.post('/v1/memory/search', body);
  expect(answer).toMatchObject({ status: 200, body: { degraded: false } });
  return answer.body.items.map((item: { message_id: string }) => item.message_id).toSorted();
}

test('kill -9 in the middle of embedding a big batch: the rest is embedded after the restart, once each', async () => {
  embedding.answersLeft = 8;
  const client = createApiClient(server);
  const messages = conversations.flatMap((conversation_id) =>
    Array.from({ length: 100 }, (_, n) => ({
      tenant_id: 'embed',
      conversation_id,
      role: 'user',
      content: `line ${n} of ${conversation_id}`,
    })),
  );
  expect((await client.post('/v1/messages/batch', { messages })).status).toBe(202);
  const completed = async () => (await client.listAll('embed')).filter((m) => m.embedding_status === 'completed');
  // Answers are waited for that will not come, and what was answered is written: the number does not change any more.
  await eventually(() => expect(embedding.hanging).toBeGreaterThan(0));
  let written = 0;
  await eventually(
    async () => {
      const before = written;
      written = (await completed()).length;
      expect(written).toBeGreaterThan(0);
      expect(written).toBe(before);
    },
    { everyMs: 500 },
  );
  expect(written).toBeLessThan(messages.length);
  const completedBefore = new Set((await completed()).map((message) => message.content));
  expect(await server.kill('SIGKILL')).toEqual(killed);

  embedding.answersLeft = Number.POSITIVE_INFINITY;
  embedding.asked.length = 0;
  server = await start();
  const after = createApiClient(server);
  const settled = await after.waitUntilSettled('embed');
  const contents = messages.map((message) => message.content);
  expect(settled.map((message) => message.content).toSorted()).toEqual(contents.toSorted());
  expect(new Set(settled.map((message) => message.embedding_status))).toEqual(new Set(['completed']));
  expect(embedding.asked.toSorted()).toEqual(contents.filter((content) => !completedBefore.has(content)).toSorted());
  for (const conversation of conversations) {
    const ids = settled.filter((message) => message.conversation_id === conversation).map((message) => message.id);
    expect(await findByVector(after, conversation)).toEqual(ids.toSorted());
  }
});
