import { z } from 'zod';
import { Drops, questionOf, type Chat, type ChatFile } from './chat.ts';
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
  'judged-messages': { parse: parseJudgedMessages, key: 'lang' },
  'chat-set': { parse: parseChatSet, key: 'chats' },
};

/** Reads chats and questions in any of the formats, found by content. @throws when it is none, or a broken one. */
export function readChats(json: unknown): ChatFile {
  const probe: unknown = Array.isArray(json) ? json[0] : json;
  const keys = new Set(typeof probe === 'object' && probe !== null ? Object.keys(probe) : []);
  const names: readonly ChatFile['format'][] = ['locomo', 'longmemeval', 'judged-messages', 'chat-set'];
  const format = names.find((name) => keys.has(readers[name].key));
  if (format === undefined) throw new Error(`the file is in none of the formats ${names.join(', ')}`);
  const drops = new Drops();
  const all = readers[format].parse(json, drops);
  const chats = all.filter((chat) => chat.questions.length > 0);
  drops.add('chat: no question left', all.length - chats.length);
  return { format, chats, dropped: drops.toJSON() };
}

const turnSchema = z.strictObject({
  id: z.string(),
  role: z.enum(['user', 'assistant']),
  speaker: z.string(),
  text: z.string(),
});
const chatSetSchema = z.strictObject({
  chats: z.array(
    z.strictObject({
      id: z.string(),
      sessions: z.array(z.strictObject({ id: z.string(), started_at: z.iso.datetime(), turns: z.array(turnSchema) })),
      questions: z.array(z.strictObject({ kind: z.string(), text: z.string(), evidence: z.array(z.string()).min(1) })),
    }),
  ),
});

const judgedMessagesSchema = z.looseObject({
  chats: z.array(
    z.looseObject({
      id: z.string(),
      messages: z.array(
        z.looseObject({
          id: z.string(),
          session: z.string(),
          role: z.enum(['user', 'assistant', 'system', 'tool']),
          speaker: z.string().nullish(),
          text: z.string(),
          at: z.iso.datetime(),
        }),
      ),
      questions: z.array(
        z.looseObject({
          id: z.string(),
          kind: z.string(),
          text: z.string(),
          evidence: z.array(z.array(z.string())),
          before: z.iso.datetime().nullish(),
        }),
      ),
    }),
  ),
});

/** Reads messages with their sessions and times, and questions with groups of evidence: a chat is a tenant. */
function parseJudgedMessages(json: unknown, drops: Drops): Chat[] {
  return judgedMessagesSchema.parse(json).chats.map((chat) => {
    const said = chat.messages.filter(({ text }) => text.trim() !== '');
    drops.add('turn: empty', chat.messages.length - said.length);
    const turns = said.map(({ id, session, role, speaker, text, at }) => {
      return { turnId: id, session, role, speaker: speaker ?? undefined, text, saidAt: new Date(at) };
    });
    const questions = chat.questions.flatMap(({ id, kind, text, evidence, before }) => {
      const askedAt = before == null ? undefined : new Date(before);
      return questionOf({ questionId: id, text, category: kind, evidence, askedAt }, turns, drops);
    });
    return { chatId: chat.id, turns, questions };
  });
}

/**
 * Reads the format of the project's own regression set, `e2e/retrieval/chats.json`. Its chats are searched
 * together, as those of one tenant: they are small, and distract from one another.
 */
function parseChatSet(json: unknown, drops: Drops): Chat[] {
  const { chats } = chatSetSchema.parse(json);
  const turns = chats
    .flatMap(({ sessions }) => sessions)
    .flatMap((session) =>
      session.turns.map(({ id, role, speaker, text }, index) => {
        const saidAt = new Date(Date.parse(session.started_at) + index * 1000);
        return { turnId: id, session: session.id, role, speaker: speaker || undefined, text, saidAt };
      }),
    );
  const questions = chats.flatMap((chat) =>
    chat.questions.flatMap(({ kind: category, text, evidence }, index) =>
      questionOf(
        { questionId: `${chat.id}-q${index + 1}`, text, category, evidence: evidence.map((id) => [id]) },
        turns,
        drops,
      ),
    ),
  );
  return [{ chatId: 'set', turns, questions }];
}
