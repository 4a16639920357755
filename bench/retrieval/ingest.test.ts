import { expect, test } from 'vitest';
import type { Chat } from './chat.ts';
import { ingest } from './ingest.ts';
import type { MemoryClient, MessageInput } from './memory-client.ts';

/** A deployment that remembers what it was sent, and has embedded it when it is looked at for the second time. */
function fakeClient() {
  const sent: MessageInput[][] = [];
  let embedded = 0;
  const client: Pick<MemoryClient, 'list' | 'store'> = {
    async store(_, messages) {
      sent.push([...messages]);
      await Promise.resolve();
    },
    async list() {
      await Promise.resolve();
      const stored = sent.flat().map(({ external_id, content }, n) => ({
        id: `id-${n}`,
        external_id,
        content,
        embedding_status: n < embedded ? 'completed' : 'pending',
      }));
      embedded = stored.length;
      return stored;
    },
  };
  return { client, sent };
}

const chat: Chat = {
  chatId: 'c',
  questions: [],
  turns: Array.from({ length: 450 }, (_, n) => ({
    turnId: `t${n}`,
    session: 's',
    role: 'user',
    speaker: n === 0 ? undefined : 'Ida',
    text: ` line ${n} `,
    saidAt: new Date(Date.UTC(2024, 4, 1) + n * 1000),
  })),
};

function options(client: Pick<MemoryClient, 'list' | 'store'>) {
  const tenantOf = ({ chatId }: Chat): string => `run-${chatId}`;
  return { client, tenantOf, say: () => {}, pollMs: 1 };
}

test('stores turns in batches, knows them by their messages, and stores nothing twice', async () => {
  const { client, sent } = fakeClient();
  const first = await ingest([chat], options(client));
  expect(sent.map((batch) => batch.length)).toEqual([200, 200, 50]);
  expect(first).toMatchObject({ stored: 450, foundStored: 0, failedToEmbed: 0 });
  expect(first.turnOf.get(chat)?.get('id-7')).toBe('t7');
  sent.pop();
  expect(await ingest([chat], options(client))).toMatchObject({ stored: 50, foundStored: 400 });
  expect(sent.map((batch) => batch.length)).toEqual([200, 200, 50]);
});

test('a run whose names belong to another text is refused', async () => {
  const { client } = fakeClient();
  await ingest([chat], options(client));
  const other = { ...chat, turns: chat.turns.map((turn) => ({ ...turn, text: 'other' })) };
  await expect(ingest([other], options(client))).rejects.toThrow(/take another --run/);
});

test('the speaker is metadata and not content', async () => {
  const { client, sent } = fakeClient();
  await ingest([chat], options(client));
  expect(sent[0]?.slice(0, 2)).toMatchObject([
    { external_id: 't0', content: ' line 0 ', metadata: {}, created_at: '2024-05-01T00:00:00.000Z' },
    { external_id: 't1', content: ' line 1 ', metadata: { speaker: 'Ida' }, created_at: '2024-05-01T00:00:01.000Z' },
  ]);
});
