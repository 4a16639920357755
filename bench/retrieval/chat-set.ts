import { z } from 'zod';
import { Drops, sessionsOf, type Chat } from './chat.ts';

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

/**
 * Reads the format of the project's own regression set, `e2e/retrieval/chats.json`. Its chats are searched
 * together, as those of one tenant: they are small, and distract from one another.
 */
export function parseChatSet(json: unknown, drops = new Drops()): Chat[] {
  const { chats } = chatSetSchema.parse(json);
  const turns = chats
    .flatMap(({ sessions }) => sessions)
    .flatMap((session) =>
      session.turns.map(({ id, role, speaker, text }, index) => {
        const saidAt = new Date(Date.parse(session.started_at) + index * 1000);
        return { turnId: id, session: session.id, role, speaker, text, saidAt };
      }),
    );
  const known = new Set(turns.map(({ turnId }) => turnId));
  const questions = chats.flatMap((chat) =>
    chat.questions.flatMap(({ kind, text, evidence: named }, index) => {
      const evidence = named.filter((name) => known.has(name));
      drops.add('evidence: names a turn that no chat has', named.length - evidence.length);
      if (evidence.length === 0) {
        drops.add('question: no evidence');
        return [];
      }
      const questionId = `${chat.id}-q${index + 1}`;
      return [{ questionId, text, category: kind, evidence, evidenceSessions: sessionsOf(evidence, turns) }];
    }),
  );
  return [{ chatId: 'set', turns, questions }];
}
