/** One turn of a chat, as it is ingested. */
export interface Turn {
  /** Its name in the file, one of a kind in its chat: what evidence refers to. */
  readonly turnId: string;
  readonly session: string;
  readonly role: 'user' | 'assistant';
  /** Undefined where the file knows roles alone. */
  readonly speaker: string | undefined;
  readonly text: string;
  readonly saidAt: Date;
}

export interface Question {
  /** One of a kind in its chat. */
  readonly questionId: string;
  readonly text: string;
  readonly category: string;
  /** Turns that hold the answer. Empty where the file names sessions alone. */
  readonly evidence: readonly string[];
  /** Sessions that hold the answer; never empty. */
  readonly evidenceSessions: readonly string[];
}

/** What is searched together: a tenant of its own. */
export interface Chat {
  readonly chatId: string;
  readonly turns: readonly Turn[];
  readonly questions: readonly Question[];
}

export interface ChatFile {
  readonly format: 'locomo' | 'longmemeval' | 'chat-set';
  readonly chats: readonly Chat[];
  /** What was left out, counted by reason. */
  readonly dropped: Readonly<Record<string, number>>;
}

/** Counts what a reader leaves out, by reason. */
export class Drops {
  readonly #counts = new Map<string, number>();

  add(reason: string, count = 1): void {
    if (count > 0) this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + count);
  }

  toJSON(): Record<string, number> {
    return Object.fromEntries([...this.#counts].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }
}

/** A question with the evidence that there is; none when there is no evidence left. */
export function questionOf(
  { evidence: named, ...question }: Omit<Question, 'evidenceSessions'>,
  turns: readonly Turn[],
  drops: Drops,
): Question[] {
  const sessionOf = new Map(turns.map((turn) => [turn.turnId, turn.session]));
  const evidence = named.filter((name) => sessionOf.has(name));
  drops.add('evidence: names a turn that the chat does not have', named.length - evidence.length);
  if (evidence.length === 0) drops.add('question: no evidence');
  const evidenceSessions = [...new Set(evidence.map((name) => sessionOf.get(name) ?? ''))];
  return evidence.length === 0 ? [] : [{ ...question, evidence, evidenceSessions }];
}
