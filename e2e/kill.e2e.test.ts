import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApiClient } from './api-client.ts';
import { makeDataDir, startStandalone, type StandaloneProcess } from './standalone-process.ts';

const rounds = 3;
const senders = 8;

let folder: Awaited<ReturnType<typeof makeDataDir>>;
let server: StandaloneProcess | undefined;
beforeAll(async () => {
  folder = await makeDataDir();
});
afterAll(async () => {
  await server?.kill('SIGKILL');
  await folder.remove();
});

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
      try {
        const answer =
          messages.length === 1
            ? await api.post('/v1/messages', messages[0])
            : await api.post('/v1/messages/batch', { messages });
        if (answer.status !== 202) throw new Error(`answered ${answer.status}`);
        for (const stored of answer.body.created ?? [answer.body]) acknowledged.set(stored.id, stored.content);
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
        dead = true;
      }
    }
  });
  setTimeout(() => void target.kill('SIGKILL'), 700 + round * 300);
  await Promise.all(loops);
  await target.kill('SIGKILL');
  return { acknowledged, sent };
}

test('kill -9 in the middle of ingest and embedding loses and doubles nothing that was acknowledged', async () => {
  const acknowledged = new Map<string, string>();
  const sent = new Set<string>();
  for (let round = 0; round < rounds; round++) {
    server = await startStandalone({ dataDir: folder.path });
    const outcome = await sendUntilDeath(server, round);
    for (const [id, content] of outcome.acknowledged) acknowledged.set(id, content);
    for (const content of outcome.sent) sent.add(content);
  }
  expect(acknowledged.size).toBeGreaterThan(rounds * senders);

  server = await startStandalone({ dataDir: folder.path });
  const api = createApiClient(server);
  const stored = await api.listAll('kill');
  const contentOf = new Map(stored.map((message) => [message.id, message.content]));
  expect([...acknowledged].filter(([id, content]) => contentOf.get(id) !== content)).toEqual([]);
  expect(new Set(stored.map((message) => message.content)).size).toBe(stored.length);
  expect(stored.filter((message) => !sent.has(message.content))).toEqual([]);

  for (const { id } of stored) await api.waitForStatus('kill', id, 'completed', 120_000);
});
