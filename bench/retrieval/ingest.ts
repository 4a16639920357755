import { setTimeout as sleep } from 'node:timers/promises';
import type { Chat, Turn } from './chat.ts';
import type { MemoryClient, MessageInput, StoredMessage } from './memory-client.ts';
import { createProgress } from './progress.ts';

export const ingestParts = ['speaker', 'date'] as const;

/** What may be left out of messages: `speaker`, their metadata; `date`, all sessions begin on one day. */
export type IngestPart = (typeof ingestParts)[number];

export interface IngestOptions {
  readonly client: Pick<MemoryClient, 'list' | 'store'>;
  readonly tenantOf: (chat: Chat) => string;
  readonly without: ReadonlySet<IngestPart>;
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
const noDate = Date.UTC(2024, 0, 1);

/** Stores what is not stored yet, by external_id, and waits until all of it is embedded. */
export async function ingest(chats: readonly Chat[], options: IngestOptions): Promise<Ingested> {
  const total = chats.reduce((sum, chat) => sum + chat.turns.length, 0);
  const { say, client, tenantOf } = options;
  const progress = createProgress({ what: 'stored', total, say });
  let [done, foundStored] = [0, 0];
  for (const chat of chats) {
    const tenantId = tenantOf(chat);
    const there = indexByTurn(await client.list(tenantId));
    const messages = chat.turns.map((turn, index) => toMessage(turn, index, options.without));
    const missing = messages.filter((message) => isMissing(message, there));
    foundStored += messages.length - missing.length;
    done += messages.length - missing.length;
    progress.at(done);
    for (let from = 0; from < missing.length; from += batchSize) {
      const batch = missing.slice(from, from + batchSize);
      await client.store(tenantId, batch);
      done += batch.length;
      progress.at(done);
    }
  }
  return { ...(await waitUntilEmbedded(chats, total, options)), stored: total - foundStored, foundStored };
}

async function waitUntilEmbedded(chats: readonly Chat[], total: number, options: IngestOptions) {
  const progress = createProgress({ what: 'embedded', total, say: options.say });
  const turnOf = new Map<Chat, ReadonlyMap<string, string>>();
  let [before, failedToEmbed] = [0, 0];
  for (const chat of chats) {
    const messages = await waitForChat(chat, options, (done) => progress.at(before + done));
    before += messages.length;
    failedToEmbed += messages.filter((message) => message.embedding_status === 'failed').length;
    turnOf.set(chat, new Map(messages.map((message) => [message.id, message.external_id ?? message.id])));
  }
  return { turnOf, failedToEmbed };
}

async function waitForChat(
  chat: Chat,
  { client, tenantOf, pollMs = 500 }: IngestOptions,
  onProgress: (done: number) => void,
): Promise<StoredMessage[]> {
  for (;;) {
    const messages = await client.list(tenantOf(chat));
    const pending = messages.filter((message) => message.embedding_status === 'pending').length;
    onProgress(messages.length - pending);
    if (pending === 0) return messages;
    await sleep(pollMs);
  }
}

function indexByTurn(messages: readonly StoredMessage[]): ReadonlyMap<string, string> {
  return new Map(messages.map((message) => [message.external_id ?? message.id, message.content]));
}

/** @throws when another text has this name: then the run is one of other data. */
function isMissing(message: MessageInput, there: ReadonlyMap<string, string>): boolean {
  const content = there.get(message.external_id);
  if (content !== undefined && content.trim() !== message.content.trim()) {
    throw new Error(`${message.external_id} is stored with another text: take another --run`);
  }
  return content === undefined;
}

function toMessage(turn: Turn, index: number, without: ReadonlySet<IngestPart>): MessageInput {
  const { turnId, session, role, speaker, text, saidAt } = turn;
  return {
    external_id: turnId,
    conversation_id: session,
    role,
    content: text,
    metadata: speaker === undefined || without.has('speaker') ? {} : { speaker },
    created_at: (without.has('date') ? new Date(noDate + index * 1000) : saidAt).toISOString(),
  };
}
