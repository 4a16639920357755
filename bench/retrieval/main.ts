/**
 * Retrieval quality over HTTP: ingests the chats of a LoCoMo-format file, waits until all is embedded, asks
 * every question with known evidence and prints the recall of the evidence turns.
 *
 *   node --conditions=memory-layer-source bench/retrieval/main.ts --file chats.json --key KEY [--url URL] [--mode hybrid]
 */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { parseLocomo, type Chat } from './locomo.ts';
import { createMemoryClient } from './memory-client.ts';
import { average, cutoffs, judge, type RankingQuality } from './metrics.ts';

const { values } = parseArgs({
  options: {
    file: { type: 'string' },
    key: { type: 'string', default: process.env['MEMORY_API_KEY'] ?? '' },
    url: { type: 'string', default: 'http://127.0.0.1:8000' },
    mode: { type: 'string', default: 'hybrid' },
    chats: { type: 'string', default: '1000' },
  },
});

interface Judged {
  readonly chatId: string;
  readonly category: number;
  readonly question: string;
  readonly quality: RankingQuality;
}

const client = createMemoryClient({ baseUrl: values.url, apiKey: values.key });

async function ingest(chat: Chat, tenantId: string): Promise<Map<string, string>> {
  const turnOf = new Map<string, string>();
  for (let from = 0; from < chat.turns.length; from += 1000) {
    const turns = chat.turns.slice(from, from + 1000);
    const ids = await client.store(
      tenantId,
      turns.map((turn) => ({
        conversation_id: turn.session,
        role: turn.speaker === chat.speakerA ? 'user' : 'assistant',
        // There is no field for a speaker; applications with several put the name into the text.
        content: `${turn.speaker}: ${turn.text}`,
        created_at: turn.saidAt.toISOString(),
      })),
    );
    for (const [index, id] of ids.entries()) turnOf.set(id, turns[index]?.turnId ?? '');
  }
  await client.waitUntilEmbedded(tenantId, (open) => console.error(`${chat.chatId}: ${open} left to embed`));
  return turnOf;
}

async function ask(chat: Chat, tenantId: string, turnOf: ReadonlyMap<string, string>): Promise<Judged[]> {
  const judged: Judged[] = [];
  for (const question of chat.questions) {
    const hits = await client.search(tenantId, question.text, { mode: values.mode, topK: 50 });
    const ranking = hits.map((id) => turnOf.get(id) ?? id);
    const { category } = question;
    judged.push({ chatId: chat.chatId, category, question: question.text, quality: judge(ranking, question.evidence) });
  }
  return judged;
}

function percent(share: number): number {
  return Number((share * 100).toFixed(1));
}

function row(name: string, judged: readonly Judged[]): Record<string, string | number> {
  const quality = average(judged.map((item) => item.quality));
  const recall = cutoffs.map((k) => [`R@${k}`, percent(quality.recall.get(k) ?? 0)] as const);
  return {
    what: name,
    questions: judged.length,
    ...Object.fromEntries(recall),
    'nDCG@10': percent(quality.ndcgAt10),
    MRR: percent(quality.reciprocalRank),
  };
}

if (values.file === undefined) throw new Error('give --file, a chat file in LoCoMo format');
const chats = parseLocomo(JSON.parse(await readFile(values.file, 'utf8'))).slice(0, Number(values.chats));
const run = `bench-${Date.now().toString(36)}`;
const all: Judged[] = [];
for (const chat of chats) {
  const tenantId = `${run}-${chat.chatId}`;
  const turnOf = await ingest(chat, tenantId);
  all.push(...(await ask(chat, tenantId, turnOf)));
  console.error(
    `${chat.chatId}: ${chat.turns.length} turns, ${chat.questions.length} questions, ${chat.droppedEvidence} evidence entries dropped`,
  );
}
const categories = [...new Set(all.map((item) => item.category))].toSorted((a, b) => a - b);
console.table([
  ...chats.map((chat) =>
    row(
      chat.chatId,
      all.filter((item) => item.chatId === chat.chatId),
    ),
  ),
  ...categories.map((category) =>
    row(
      `category ${category}`,
      all.filter((item) => item.category === category),
    ),
  ),
  row('all', all),
]);
