import type { Chat, Question } from './chat.ts';
import type { Hit, MemoryClient } from './memory-client.ts';
import { judge, ranksOf, rankSessions, type MetricValues } from './metrics.ts';
import { createProgress } from './progress.ts';
import type { Variant } from './variants.ts';

export interface AskOptions {
  readonly client: MemoryClient;
  readonly tenantOf: (chat: Chat) => string;
  readonly turnOf: ReadonlyMap<Chat, ReadonlyMap<string, string>>;
  readonly concurrency: number;
  readonly say: (line: string) => void;
}

export interface Ranked {
  readonly turn: string;
  readonly score: number;
  readonly similarity: number | null;
  readonly breakdown: Readonly<Record<string, unknown>>;
}

/** One question, what was found for it, and how good that is. */
export interface Judged {
  readonly chatId: string;
  readonly question: Question;
  readonly values: MetricValues;
  /** Of the evidence, in its order, from 1; null when not found. */
  readonly turnRanks: readonly (number | null)[];
  readonly sessionRanks: readonly (number | null)[];
  readonly ranking: readonly Ranked[];
  /** Sessions that R@10 on sessions could not see: fewer were found, though the chat has more. */
  readonly shortOfSessions: boolean;
}

const turnsJudged = 50;
const sessionsJudged = 10;
const mostHits = 100;

/** Asks every question in one way, several at a time. */
export async function askAll(chats: readonly Chat[], variant: Variant, options: AskOptions): Promise<Judged[]> {
  const todo = chats.flatMap((chat) => chat.questions.map((question) => ({ chat, question })));
  const progress = createProgress({ what: `asked (${variant.name})`, total: todo.length, say: options.say });
  const judged: Judged[] = [];
  let [next, done] = [0, 0];
  async function work(): Promise<void> {
    for (let at = next++; at < todo.length; at = next++) {
      const item = todo[at];
      if (item === undefined) return;
      judged[at] = await ask(item.chat, item.question, variant, options);
      progress.at(++done);
    }
  }
  await Promise.all(Array.from({ length: options.concurrency }, work));
  return judged;
}

async function ask(chat: Chat, question: Question, variant: Variant, options: AskOptions): Promise<Judged> {
  const names = options.turnOf.get(chat) ?? new Map<string, string>();
  const sessionOfTurn = new Map(chat.turns.map((turn) => [turn.turnId, turn.session]));
  const search = async (topK: number): Promise<Ranked[]> => {
    const request = { ...variant.request, query: question.text, top_k: topK };
    const hits = await options.client.search(options.tenantOf(chat), request);
    return hits.map((hit) => toRanked(hit, names));
  };
  const sessionsOf = (ranking: readonly Ranked[]): string[] =>
    rankSessions(
      ranking.map(({ turn }) => turn),
      (turn) => sessionOfTurn.get(turn) ?? turn,
    );
  const ranking = await search(turnsJudged);
  let sessions = sessionsOf(ranking);
  // Long sessions fill the page: the tenth one may be further down.
  if (sessions.length < sessionsJudged && ranking.length === turnsJudged) sessions = sessionsOf(await search(mostHits));
  const rankings = { turns: ranking.map(({ turn }) => turn), sessions };
  const evidence = { turns: question.evidence, sessions: question.evidenceSessions };
  const allSessions = new Set(sessionOfTurn.values()).size;
  return {
    chatId: chat.chatId,
    question,
    values: judge(rankings, evidence),
    turnRanks: ranksOf(rankings.turns, evidence.turns).map((rank) => rank ?? null),
    sessionRanks: ranksOf(sessions, evidence.sessions).map((rank) => rank ?? null),
    ranking,
    shortOfSessions: sessions.length < Math.min(sessionsJudged, allSessions),
  };
}

function toRanked(hit: Hit, names: ReadonlyMap<string, string>): Ranked {
  const { message_id: id, score, similarity = null, breakdown } = hit;
  return { turn: names.get(id) ?? id, score, similarity, breakdown };
}
