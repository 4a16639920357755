import { readFile } from 'node:fs/promises';

/** What a question asks of the search; the fixture says it of each. */
export const questionKinds = [
  'single-hop',
  'multi-hop',
  'temporal',
  'paraphrase',
  'exact',
  'stop-words',
  'other-language',
  'long-tail',
  'assistant-fact',
  'assistant-reply',
  'instruction',
  'changed',
  'multi-turn',
  'implicit',
] as const;
export type QuestionKind = (typeof questionKinds)[number];

export interface ChatTurn {
  /** `<session>.<number>`, one of a kind in the set. */
  readonly id: string;
  readonly role: 'user' | 'assistant';
  /** Empty where the application does not say who speaks: then the message has no speaker. */
  readonly speaker: string;
  readonly text: string;
}

export interface JudgedQuestion {
  readonly kind: QuestionKind;
  readonly text: string;
  /** Turns that hold the answer; never empty. */
  readonly evidence: readonly string[];
}

export interface JudgedChat {
  readonly id: string;
  readonly sessions: readonly {
    readonly id: string;
    readonly started_at: string;
    readonly turns: readonly ChatTurn[];
  }[];
  readonly questions: readonly JudgedQuestion[];
}

/** Eleven chats written for this project, and questions with the turns that answer them. `pnpm bench:retrieval` reads them too. */
export async function readChats(): Promise<readonly JudgedChat[]> {
  const text = await readFile(new URL('chats.json', import.meta.url), 'utf8');
  // chats.test.ts checks what the type says.
  const file = JSON.parse(text) as { readonly chats: readonly JudgedChat[] };
  return file.chats;
}
