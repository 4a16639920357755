import { setTimeout as sleep } from 'node:timers/promises';
import type { Chat, Turn } from './chat.ts';
import type { MemoryClient, MessageInput, StoredMessage } from './memory-client.ts';

export interface IngestOptions {
  readonly client: Pick<MemoryClient, 'list' | 'store'>;
  readonly tenantOf: (chat: Chat) => string;
  readonly say: (line: string) => void;
  /** Pause between two looks at what is embedded. */
  readonly pollMs?: number;
}

export interface Ingested {
  /** Names of turns by the ids of their messages, a map a chat. */
  readonly turnOf: ReadonlyMap<Chat, ReadonlyMap<string, string>>;
  readonly stored: number;
  readonly foundStored: number;
  readonly failedToEmbed: number;
}

const batchSize = 200;

/** Stores what is not stored yet, by external_id, and waits until all of it is embedded. */
export async function ingest(chats: readonly Chat[], options: IngestOptions): Promise<Ingested> {
  const { client, tenantOf, say } = options;
  const progress = createProgress('stored', chats.flatMap(({ turns }) => turns).length, say);
  let [stored, foundStored, failedToEmbed] = [0, 0, 0];
  for (const chat of chats) {
    const tenantId = tenantOf(chat);
    const there = new Map((await client.list(tenantId)).map((message) => [message.external_id, message.content]));
    const missing = chat.turns.map(toMessage).filter((message) => isMissing(message, there));
    foundStored += chat.turns.length - missing.length;
    for (let from = 0; from < missing.length; from += batchSize) {
      const batch = missing.slice(from, from + batchSize);
      await client.store(tenantId, batch);
      stored += batch.length;
      progress(stored + foundStored);
    }
  }
  const turnOf = new Map<Chat, ReadonlyMap<string, string>>();
  for (const chat of chats) {
    const messages = await waitUntilEmbedded(chat, options);
    failedToEmbed += messages.filter((message) => message.embedding_status === 'failed').length;
    turnOf.set(chat, new Map(messages.map((message) => [message.id, message.external_id ?? message.id])));
  }
  return { turnOf, stored, foundStored, failedToEmbed };
}

async function waitUntilEmbedded(
  chat: Chat,
  { client, tenantOf, say, pollMs = 500 }: IngestOptions,
): Promise<StoredMessage[]> {
  const progress = createProgress(`embedded (${chat.chatId})`, chat.turns.length, say);
  for (;;) {
    const messages = await client.list(tenantOf(chat));
    const pending = messages.filter((message) => message.embedding_status === 'pending').length;
    progress(messages.length - pending);
    if (pending === 0) return messages;
    await sleep(pollMs);
  }
}

/** @throws when another text has this name: then the run is one of other data. */
function isMissing(message: MessageInput, there: ReadonlyMap<string | null, string>): boolean {
  const content = there.get(message.external_id);
  if (content !== undefined && content.trim() !== message.content.trim()) {
    throw new Error(`${message.external_id} is stored with another text: take another --run`);
  }
  return content === undefined;
}

function toMessage({ turnId, session, role, speaker, text, saidAt }: Turn): MessageInput {
  return {
    external_id: turnId,
    conversation_id: session,
    role,
    content: text,
    metadata: speaker === undefined ? {} : { speaker },
    created_at: saidAt.toISOString(),
  };
}

/** Says how much is done, every five seconds and at the end. */
export function createProgress(what: string, total: number, say: (line: string) => void): (done: number) => void {
  let saidMs = performance.now();
  return (done) => {
    if (done < total && performance.now() - saidMs < 5000) return;
    saidMs = performance.now();
    say(`${what}: ${done} of ${total}`);
  };
}
