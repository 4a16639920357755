import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { basename, join } from 'node:path';
import { createBm25, type Bm25 } from './bm25.ts';
import type { Chat, Question } from './chat.ts';
import { createProgress, ingest } from './ingest.ts';
import { createMemoryClient, RefusedError, type MemoryClient, type Target } from './memory-client.ts';
import { judge, metricNames, ranksOf, rankSessions, type MetricValues } from './metrics.ts';
import type { RetrievalOptions } from './options.ts';
import { readChats } from './read-chats.ts';
import { groupsOf, type Results, type VariantResult } from './results.ts';
import type { AskedVariant, Variant } from './variants.ts';

export interface MeasureOptions extends RetrievalOptions {
  readonly file: string;
  readonly run: string;
  readonly out: string;
  readonly target: Target;
}

const say = (line: string): void => console.error(line);

/** Stores the chats, asks all questions in every way, and judges. Raw answers go to `<variant>.ndjson` in `out`. */
export async function measure(options: MeasureOptions): Promise<Results> {
  const { run, target } = options;
  const startedAt = new Date().toISOString();
  const before = loadavg()[0] ?? 0;
  const bytes = await readFile(options.file);
  const { format, chats: all, dropped } = readChats(JSON.parse(bytes.toString('utf8')));
  const chats = all
    .slice(0, options.chats)
    .map((chat) => ({ ...chat, questions: chat.questions.slice(0, options.questions) }));
  const client = createMemoryClient(target);
  const tenantOf = tenantNames(run);
  const { turnOf, stored, foundStored, failedToEmbed } = await ingest(chats, { client, tenantOf, say });
  say(`${stored} messages stored, ${foundStored} were there; run ${run}`);
  const known = new Map<Chat, Bm25>();
  const bm25Of = (chat: Chat): Bm25 => {
    const bm25 = known.get(chat) ?? createBm25(chat.turns);
    known.set(chat, bm25);
    return bm25;
  };
  const variants: VariantResult[] = [];
  for (const variant of options.variants) {
    try {
      variants.push(await measureVariant(variant, chats, { ...options, client, tenantOf, turnOf, bm25Of }));
    } catch (error) {
      if (!(error instanceof RefusedError && error.status === 422)) throw error;
      // A deployment of another version may not know an option: the other variants can still be measured.
      say(`${variant.name} is left out: ${error.message}`);
    }
  }
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const turns = chats.reduce((sum, chat) => sum + chat.turns.length, 0);
  return {
    version: 2,
    file: { name: basename(options.file), sha256, format, chats: chats.length, turns },
    dropped: { ...dropped },
    run,
    startedAt,
    target: target.url,
    failedToEmbed,
    load: { before, after: loadavg()[0] ?? 0 },
    metrics: [...metricNames],
    variants,
  };
}

/** The tenant of each chat of a run. */
export function tenantNames(run: string): (chat: Chat) => string {
  return ({ chatId }) => `${run}-${chatId}`.replaceAll(/[^A-Za-z0-9_.-]/g, '_').slice(0, 64);
}

interface AskOptions {
  readonly out: string;
  readonly client: MemoryClient;
  readonly tenantOf: (chat: Chat) => string;
  readonly turnOf: ReadonlyMap<Chat, ReadonlyMap<string, string>>;
  readonly concurrency: number;
  /** Of a chat; made when it is first asked. */
  readonly bm25Of: (chat: Chat) => Bm25;
}

/** Asks every question in one way, several at a time, and writes the answers, a line a question. */
async function measureVariant(variant: Variant, chats: readonly Chat[], options: AskOptions): Promise<VariantResult> {
  const todo = chats.flatMap((chat) => chat.questions.map((question) => ({ chat, question })));
  const progress = createProgress(`asked (${variant.name})`, todo.length, say);
  const judged: Awaited<ReturnType<typeof ask>>[] = [];
  const left = todo.entries();
  let done = 0;
  const work = async (): Promise<void> => {
    for (const [index, { chat, question }] of left) {
      judged[index] = await ask(chat, question, variant, options);
      progress(++done);
    }
  };
  await Promise.all(Array.from({ length: options.concurrency }, work));
  const lines = judged.map(({ answer }) => `${JSON.stringify(answer)}\n`);
  await writeFile(join(options.out, `${variant.name}.ndjson`), lines);
  const questions = judged.map(({ answer: { chatId, questionId, category }, values }) => ({
    chatId,
    questionId,
    category,
    values: [...values],
  }));
  return { name: variant.name, request: { ...variant.request }, questions, groups: groupsOf(questions) };
}

interface Asked {
  readonly request: AskedVariant['request'];
  readonly topK: number;
  readonly options: AskOptions;
}

async function askServer(chat: Chat, { text, askedAt }: Question, { request, topK, options }: Asked) {
  const names = options.turnOf.get(chat);
  // The question itself may be a turn of that moment.
  const said = askedAt === undefined ? {} : { created_before: askedAt.toISOString() };
  const hits = await options.client.search(options.tenantOf(chat), { ...said, ...request, query: text, top_k: topK });
  return hits.map(({ message_id: id, score, confidence, similarity = null, breakdown }) => {
    return { turn: names?.get(id) ?? id, score, similarity, breakdown: { ...breakdown, confidence } };
  });
}

const turnsJudged = 50;
const sessionsJudged = 10;
const mostHits = 100;

/** One question: what should have been found, at which ranks it was, how good that is, and the whole ranking. */
async function ask(chat: Chat, question: Question, variant: Variant, options: AskOptions) {
  const { text, evidence, evidenceSessions, askedAt } = question;
  const sessionOf = new Map(chat.turns.map((turn) => [turn.turnId, turn.session]));
  const search = async (topK: number) => {
    const ranking =
      variant.bm25 === undefined
        ? await askServer(chat, question, { request: variant.request, topK, options })
        : options
            .bm25Of(chat)(text, askedAt, variant.bm25)
            .slice(0, topK)
            .map((turn) => ({ turn }));
    const turns = ranking.map(({ turn }) => turn);
    return { ranking, turns, sessions: rankSessions(turns, (turn) => sessionOf.get(turn) ?? turn) };
  };
  const { ranking, turns, ...found } = await search(turnsJudged);
  // Long sessions fill the page: the tenth one may be further down.
  const isShort = found.sessions.length < sessionsJudged && ranking.length === turnsJudged;
  const { sessions } = isShort ? await search(mostHits) : found;
  const values: MetricValues = judge({ turns, sessions }, { turns: evidence, sessions: evidenceSessions });
  const answer = {
    chatId: chat.chatId,
    ...question,
    turnRanks: ranksOf(turns, evidence),
    sessionRanks: ranksOf(sessions, evidenceSessions),
    metrics: Object.fromEntries(metricNames.map((name, n) => [name, values[n] ?? null])),
    ranking,
  };
  return { answer, values };
}
