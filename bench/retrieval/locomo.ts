import { z } from 'zod';

/** One turn of a chat, as it is ingested. */
export interface Turn {
  /** Its name in the file: what evidence refers to. */
  readonly turnId: string;
  readonly session: string;
  readonly speaker: string;
  readonly text: string;
  readonly saidAt: Date;
}

export interface Question {
  readonly text: string;
  readonly category: number;
  /** Turns that hold the answer; never empty. */
  readonly evidence: readonly string[];
}

export interface Chat {
  readonly chatId: string;
  /** The first of the two; the other one answers. */
  readonly speakerA: string;
  readonly turns: readonly Turn[];
  readonly questions: readonly Question[];
  /** Evidence entries that name no turn of this chat. */
  readonly droppedEvidence: number;
}

const turnSchema = z.looseObject({
  speaker: z.string(),
  dia_id: z.string(),
  text: z.string(),
  blip_caption: z.string().optional(),
});
const fileSchema = z.array(
  z.looseObject({
    sample_id: z.string(),
    conversation: z.record(z.string(), z.unknown()),
    qa: z.array(z.looseObject({ question: z.string(), category: z.int(), evidence: z.array(z.string()).default([]) })),
  }),
);

/** Reads a file in the format of LoCoMo (Maharana et al., 2024). Category 5 (unanswerable) is left out. */
export function parseLocomo(json: unknown): Chat[] {
  return fileSchema.parse(json).map(({ sample_id: chatId, conversation, qa }) => {
    const turns = sessionsOf(conversation).flatMap(({ name, startedAt, lines }) =>
      lines.map((line, index) => toTurn(line, name, new Date(startedAt.getTime() + index * 1000))),
    );
    const known = new Set(turns.map((turn) => turn.turnId));
    let droppedEvidence = 0;
    const questions = qa
      .filter((item) => item.category !== 5)
      .map((item) => {
        const named = item.evidence.flatMap(namesIn);
        const evidence = named.filter((name) => known.has(name));
        droppedEvidence += named.length - evidence.length;
        return { text: item.question, category: item.category, evidence: [...new Set(evidence)] };
      })
      .filter((question) => question.evidence.length > 0);
    return { chatId, speakerA: z.string().parse(conversation['speaker_a']), turns, questions, droppedEvidence };
  });
}

function toTurn(line: z.output<typeof turnSchema>, session: string, saidAt: Date): Turn {
  const image = line.blip_caption === undefined ? '' : ` [shares ${line.blip_caption}]`;
  return { turnId: line.dia_id, session, speaker: line.speaker, text: `${line.text}${image}`.trim(), saidAt };
}

function sessionsOf(conversation: Readonly<Record<string, unknown>>) {
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
