import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { askAll, type Judged } from './ask.ts';
import type { Chat } from './chat.ts';
import { ingest } from './ingest.ts';
import { createMemoryClient, RefusedError, type Target } from './memory-client.ts';
import { metricNames } from './metrics.ts';
import type { RetrievalOptions } from './options.ts';
import { readChats } from './read-chats.ts';
import { groupsOf, type Results, type VariantResult } from './results.ts';
import type { Variant } from './variants.ts';

export interface MeasureOptions extends Omit<RetrievalOptions, 'file' | 'run' | 'out'> {
  readonly file: string;
  readonly run: string;
  readonly out: string;
  readonly target: Target;
  readonly say: (line: string) => void;
}

/** Stores the chats, asks all questions in every way, and judges. Raw answers go to `<variant>.ndjson` in `out`. */
export async function measure(options: MeasureOptions): Promise<Results> {
  const { run, out, say, without, bootstrap } = options;
  const startedAt = new Date().toISOString();
  const before = loadavg()[0] ?? 0;
  const bytes = await readFile(options.file);
  const { format, chats: all, dropped } = readChats(JSON.parse(bytes.toString('utf8')));
  const chats = all
    .slice(0, options.chats)
    .map((chat) => ({ ...chat, questions: chat.questions.slice(0, options.questions) }));
  const client = createMemoryClient(options.target);
  const tenantOf = ({ chatId }: Chat): string => `${run}-${chatId}`.replaceAll(/[^A-Za-z0-9_.-]/g, '_').slice(0, 64);
  const { turnOf, stored, foundStored, failedToEmbed } = await ingest(chats, { client, tenantOf, without, say });
  say(`${stored} messages stored, ${foundStored} were there; run ${run}`);
  const variants: VariantResult[] = [];
  for (const variant of options.variants) {
    try {
      const judged = await askAll(chats, variant, { ...options, client, tenantOf, turnOf });
      await writeAnswers(join(out, `${variant.name}.ndjson`), judged);
      variants.push(toResult(variant, judged, bootstrap));
    } catch (error) {
      if (!(error instanceof RefusedError && error.status === 422)) throw error;
      // A deployment of another version may not know an option: the other variants can still be measured.
      say(`${variant.name} is left out: ${error.message}`);
    }
  }
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const turns = chats.reduce((sum, chat) => sum + chat.turns.length, 0);
  return {
    version: 1,
    file: { name: basename(options.file), sha256, format, chats: chats.length, turns },
    dropped: { ...dropped },
    run,
    startedAt,
    target: options.target.url,
    without: [...without],
    failedToEmbed,
    load: { before, after: loadavg()[0] ?? 0 },
    bootstrap,
    metrics: [...metricNames],
    variants,
  };
}

function toResult(variant: Variant, judged: readonly Judged[], options: Results['bootstrap']): VariantResult {
  const questions = judged.map(({ chatId, question: { questionId, category }, values }) => ({
    chatId,
    questionId,
    category,
    values: [...values],
  }));
  return {
    name: variant.name,
    request: { ...variant.request },
    questions,
    groups: groupsOf(questions, options),
    shortOfSessions: judged.filter(({ shortOfSessions }) => shortOfSessions).length,
  };
}

/** A line a question: what was asked, what should have been found, at which ranks it was, and the whole ranking. */
async function writeAnswers(file: string, judged: readonly Judged[]): Promise<void> {
  const lines = judged.map((each) => {
    const { questionId, text, category, evidence, evidenceSessions } = each.question;
    const { chatId, turnRanks, sessionRanks, values, ranking } = each;
    const metrics = Object.fromEntries(metricNames.map((name, n) => [name, values[n] ?? null]));
    const question = { chatId, questionId, category, text, evidence, turnRanks, evidenceSessions, sessionRanks };
    return `${JSON.stringify({ ...question, metrics, ranking })}\n`;
  });
  await pipeline(Readable.from(lines), createWriteStream(file));
}
