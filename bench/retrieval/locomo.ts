import { z } from 'zod';
import { Drops, questionOf, type Chat, type Question, type Turn } from './chat.ts';

const turnSchema = z.looseObject({
  speaker: z.string(),
  dia_id: z.string(),
  text: z.string(),
  blip_caption: z.string().optional(),
});
const questionSchema = z.looseObject({
  question: z.string(),
  category: z.int(),
  evidence: z.array(z.string()).default([]),
});

const locomoSchema = z.array(
  z.looseObject({
    sample_id: z.string(),
    conversation: z.record(z.string(), z.unknown()),
    qa: z.array(questionSchema),
  }),
);

const categories = new Map([
  [1, '1 multi-hop'],
  [2, '2 temporal'],
  [3, '3 open-domain'],
  [4, '4 single-hop'],
]);

/**
 * Reads a file in the format of LoCoMo (Maharana et al., "Evaluating Very Long-Term Conversational Memory of LLM
 * Agents", 2024). Category 5 asks for what was never said and is left out; evidence that names no turn is, too.
 */
export function parseLocomo(json: unknown, drops = new Drops()): Chat[] {
  return locomoSchema.parse(json).map(({ sample_id: chatId, conversation, qa }) => {
    const speakerA = z.string().parse(conversation['speaker_a']);
    const turns = readTurns(conversation, speakerA, drops);
    const questions = qa.flatMap((item, index) => toQuestion(item, `q${index + 1}`, turns, drops));
    return { chatId, turns, questions };
  });
}

function toQuestion(
  item: z.output<typeof questionSchema>,
  questionId: string,
  turns: readonly Turn[],
  drops: Drops,
): Question[] {
  if (item.category === 5) {
    drops.add('question: category 5, unanswerable');
    return [];
  }
  const named = item.evidence.map(namesIn);
  drops.add('evidence: an entry without a turn in it', named.filter((names) => names.length === 0).length);
  const category = categories.get(item.category) ?? String(item.category);
  const question = {
    questionId,
    text: item.question,
    category,
    evidence: [...new Set(named.flat())].map((name) => [name]),
  };
  return questionOf(question, turns, drops);
}

function readTurns(conversation: Readonly<Record<string, unknown>>, speakerA: string, drops: Drops): Turn[] {
  const seen = new Set<string>();
  return listSessions(conversation)
    .flatMap(({ name, startedAt, lines }) =>
      lines.map((line, index) => toTurn(line, name, speakerA, new Date(startedAt.getTime() + index * 1000))),
    )
    .filter((turn) => {
      const problem = turn.text === '' ? 'turn: empty' : seen.has(turn.turnId) && 'turn: its name is taken';
      if (problem !== false) drops.add(problem);
      else seen.add(turn.turnId);
      return problem === false;
    });
}

function toTurn(line: z.output<typeof turnSchema>, session: string, speakerA: string, saidAt: Date): Turn {
  const image = line.blip_caption === undefined ? '' : ` [shares ${line.blip_caption}]`;
  return {
    turnId: namesIn(line.dia_id)[0] ?? line.dia_id,
    session,
    role: line.speaker === speakerA ? 'user' : 'assistant',
    speaker: line.speaker,
    text: `${line.text}${image}`.trim(),
    saidAt,
  };
}

function listSessions(conversation: Readonly<Record<string, unknown>>) {
  return Object.keys(conversation)
    .filter((key) => /^session_\d+$/.test(key))
    .toSorted((a, b) => Number(a.slice(8)) - Number(b.slice(8)))
    .map((name) => ({
      name,
      startedAt: parseDate(z.string().parse(conversation[`${name}_date_time`])),
      lines: z.array(turnSchema).parse(conversation[name]),
    }));
}

/** `1:56 pm on 8 May, 2023`, taken as UTC. */
export function parseDate(text: string): Date {
  const match = /^(\d+):(\d+) (am|pm) on (\d+) (\w+), (\d{4})$/.exec(text.trim());
  if (match === null) throw new Error(`not a session date: ${text}`);
  const [, hour, minute, half, day, month, year] = match;
  const hours = (Number(hour) % 12) + (half === 'pm' ? 12 : 0);
  return new Date(`${day} ${month} ${year} ${hours}:${minute} UTC`);
}

/** Some entries hold several ids or stray characters: `D8:6; D9:17`, `D:11:26`. */
export function namesIn(entry: string): string[] {
  return [...entry.matchAll(/D:?(\d+):0*(\d+)/g)].map(([, session, turn]) => `D${session}:${turn}`);
}
