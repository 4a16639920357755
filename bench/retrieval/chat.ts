/** One turn of a chat, as it is ingested. */
export interface Turn {
  /** Its name in the file, one of a kind in its chat: what evidence refers to. */
  readonly turnId: string;
  readonly session: string;
  readonly role: 'user' | 'assistant' | 'system' | 'tool';
  /** Undefined where the file knows roles alone. */
  readonly speaker: string | undefined;
  readonly text: string;
  readonly saidAt: Date;
}

/** Names of which any one will do. */
export type EvidenceGroup = readonly string[];

export interface Question {
  /** One of a kind in its chat. */
  readonly questionId: string;
  readonly text: string;
  readonly category: string;
  /** What has to be found, each by any one of its turns. Empty where the file names sessions alone. */
  readonly evidence: readonly EvidenceGroup[];
  /** The sessions of these, each by any one of them; never empty. */
  readonly evidenceSessions: readonly EvidenceGroup[];
  /** Turns of this moment and later ones were not said yet when this was asked. */
  readonly askedAt?: Date | undefined;
}

/** What is searched together: a tenant of its own. */
export interface Chat {
  readonly chatId: string;
  readonly turns: readonly Turn[];
  readonly questions: readonly Question[];
}

export interface ChatFile {
  readonly format: 'locomo' | 'longmemeval' | 'judged-messages' | 'chat-set';
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
  const known = named.map((group) => group.filter((name) => sessionOf.has(name)));
  drops.add('evidence: names a turn that the chat does not have', named.flat().length - known.flat().length);
  const evidence = known.filter((group) => group.length > 0);
  if (evidence.length === 0) drops.add('question: no evidence');
  const sessions = evidence.map((group) => [...new Set(group.map((name) => sessionOf.get(name) ?? ''))]);
  const evidenceSessions = [...new Map(sessions.map((group) => [JSON.stringify(group), group])).values()];
  return evidence.length === 0 ? [] : [{ ...question, evidence, evidenceSessions }];
}
