import { z } from 'zod';
import { Drops, type Chat, type Question, type Turn } from './chat.ts';

const turnSchema = z.looseObject({
  role: z.enum(['user', 'assistant']),
  content: z.string(),
  has_answer: z.boolean().optional(),
});
const itemSchema = z.looseObject({
  question_id: z.string(),
  question_type: z.string(),
  question: z.string(),
  haystack_session_ids: z.array(z.string()),
  haystack_dates: z.array(z.string()),
  haystack_sessions: z.array(z.array(turnSchema)),
  answer_session_ids: z.array(z.string()),
});
type Item = z.output<typeof itemSchema>;

const longMemEvalSchema = z.array(itemSchema);

interface Session {
  /** Its name as a conversation, one of a kind in its haystack. */
  readonly name: string;
  /** What answer_session_ids calls it. */
  readonly id: string;
  readonly turns: readonly Turn[];
  readonly evidence: readonly string[];
}

/**
 * Reads a file in the format of LongMemEval (Wu et al., "LongMemEval: Benchmarking Chat Assistants on Long-Term
 * Interactive Memory", 2025; https://github.com/xiaowu0162/LongMemEval). Each question has a haystack of its own.
 * Questions about what never happened, with ids that end in `_abs`, are left out.
 */
export function parseLongMemEval(json: unknown, drops = new Drops()): Chat[] {
  return longMemEvalSchema.parse(json).flatMap((item) => {
    if (item.question_id.endsWith('_abs')) {
      drops.add('question: unanswerable (_abs)');
      return [];
    }
    const sessions = readSessions(item, drops);
    const question = toQuestion(item, sessions, drops);
    if (question === undefined) return [];
    return [{ chatId: item.question_id, turns: sessions.flatMap(({ turns }) => turns), questions: [question] }];
  });
}

function toQuestion(item: Item, sessions: readonly Session[], drops: Drops): Question | undefined {
  const answering = new Set(item.answer_session_ids);
  const found = sessions.filter(({ id, turns }) => answering.has(id) && turns.length > 0);
  const known = new Set(found.map(({ id }) => id));
  drops.add('evidence: names a session that the haystack does not have', answering.size - known.size);
  if (found.length === 0) {
    drops.add('question: no evidence');
    return undefined;
  }
  const evidence = sessions.flatMap((session) => session.evidence);
  if (evidence.length === 0) drops.add('question: judged by sessions alone, no turn has_answer');
  return {
    questionId: item.question_id,
    text: item.question,
    category: item.question_type,
    evidence: evidence.map((name) => [name]),
    evidenceSessions: found.map(({ name }) => [name]),
  };
}

function readSessions(item: Item, drops: Drops): Session[] {
  const { haystack_session_ids: ids, haystack_dates: dates, haystack_sessions: sessions } = item;
  if (ids.length !== sessions.length || dates.length !== sessions.length) {
    throw new Error(`${item.question_id}: haystack ids, dates and sessions are not equally many`);
  }
  const names = new Set<string>();
  return sessions.map((lines, index) => {
    const id = ids[index] ?? '';
    const name = freeName(id.replaceAll(/[^A-Za-z0-9_.-]/g, '_').slice(0, 120), names);
    names.add(name);
    const startedAt = parseHaystackDate(dates[index] ?? '').getTime();
    const [turns, evidence]: [Turn[], string[]] = [[], []];
    for (const [n, line] of lines.entries()) {
      const turnId = `${name}:${n + 1}`;
      // The data set holds a few empty turns, which no memory stores.
      if (line.content.trim() === '') drops.add('turn: empty');
      else {
        const saidAt = new Date(startedAt + n * 1000);
        turns.push({ turnId, session: name, role: line.role, speaker: undefined, text: line.content, saidAt });
        if (line.has_answer === true) evidence.push(turnId);
      }
    }
    return { name, id, turns, evidence };
  });
}

/** A haystack may hold the same session twice. */
function freeName(name: string, taken: ReadonlySet<string>): string {
  for (let copy = 1; ; copy++) {
    const candidate = copy === 1 ? name : `${name}.${copy}`;
    if (!taken.has(candidate)) return candidate;
  }
}

/** `2023/05/20 (Sat) 02:21`, taken as UTC. */
export function parseHaystackDate(text: string): Date {
  const match = /^(\d{4})\/(\d\d)\/(\d\d) \(\w+\) (\d\d):(\d\d)$/.exec(text.trim());
  if (match === null) throw new Error(`not a haystack date: ${text}`);
  const [, year, month, day, hour, minute] = match;
  return new Date(`${year}-${month}-${day}T${hour}:${minute}:00Z`);
}
