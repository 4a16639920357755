import { parseChatSet } from './chat-set.ts';
import { Drops, type Chat, type ChatFile } from './chat.ts';
import { parseLocomo } from './locomo.ts';
import { parseLongMemEval } from './longmemeval.ts';

interface Reader {
  readonly parse: (json: unknown, drops: Drops) => Chat[];
  /** A key that only files of this format have, in their first item or at their top. */
  readonly key: string;
}

const readers: Record<ChatFile['format'], Reader> = {
  locomo: { parse: parseLocomo, key: 'sample_id' },
  longmemeval: { parse: parseLongMemEval, key: 'haystack_sessions' },
  'chat-set': { parse: parseChatSet, key: 'chats' },
};

/** Reads chats and questions in any of the formats, found by content. @throws when it is none, or a broken one. */
export function readChats(json: unknown): ChatFile {
  const probe: unknown = Array.isArray(json) ? json[0] : json;
  const keys = new Set(typeof probe === 'object' && probe !== null ? Object.keys(probe) : []);
  const names: readonly ChatFile['format'][] = ['locomo', 'longmemeval', 'chat-set'];
  const format = names.find((name) => keys.has(readers[name].key));
  if (format === undefined) throw new Error(`the file is in none of the formats ${names.join(', ')}`);
  const drops = new Drops();
  const all = readers[format].parse(json, drops);
  const chats = all.filter((chat) => chat.questions.length > 0);
  drops.add('chat: no question left', all.length - chats.length);
  return { format, chats, dropped: drops.toJSON() };
}
