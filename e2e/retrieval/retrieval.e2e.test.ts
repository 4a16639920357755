import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApiClient, type ApiClient } from '../api-client.ts';
import { makeDataDir, startStandalone, type StandaloneProcess } from '../standalone-process.ts';
import { readChats, type JudgedChat, type JudgedQuestion } from './chats.ts';
import { hybridFloors } from './floors.ts';
import { belowFloors, floorsOf, recallByKind, type Answered, type Recall } from './recall.ts';

const tenantId = 'judged';
const modes = ['hybrid', 'lexical', 'vector'] as const;
type Mode = (typeof modes)[number];

let folder: Awaited<ReturnType<typeof makeDataDir>>;
let server: StandaloneProcess;
let api: ApiClient;
let recallOf: ReadonlyMap<Mode, ReadonlyMap<string, Recall>>;

/** All chats as one tenant's, so that they distract from one another. @returns turns by the ids of their messages. */
async function store(chats: readonly JudgedChat[]): Promise<ReadonlyMap<string, string>> {
  const turns = chats
    .flatMap(({ sessions }) => sessions)
    .flatMap((session) => session.turns.map((turn, index) => ({ session, turn, index })));
  const messages = turns.map(({ session, turn, index }) => ({
    tenant_id: tenantId,
    external_id: turn.id,
    conversation_id: session.id,
    role: turn.role,
    content: turn.text,
    metadata: { speaker: turn.speaker },
    created_at: new Date(Date.parse(session.started_at) + index * 1000).toISOString(),
  }));
  const answer = await api.post('/v1/messages/batch', { messages });
  expect(answer).toMatchObject({ status: 202, body: { errors: [] } });
  const settled = await api.waitUntilSettled(tenantId);
  expect(settled.filter((message) => message.embedding_status !== 'completed')).toEqual([]);
  const ids: readonly string[] = answer.body.created.map((message: { id: string }) => message.id);
  return new Map(ids.map((id, index) => [id, turns[index]?.turn.id ?? '']));
}

async function askAll(
  chats: readonly JudgedChat[],
  mode: Mode,
  turnOf: ReadonlyMap<string, string>,
): Promise<Answered[]> {
  const questions = chats.flatMap((chat) => chat.questions);
  async function ask({ kind, text, evidence }: JudgedQuestion): Promise<Answered> {
    const answer = await api.post('/v1/memory/search', { tenant_id: tenantId, query: text, mode, top_k: 10 });
    expect(answer).toMatchObject({ status: 200, body: { degraded: false } });
    const ids: readonly string[] = answer.body.items.map((item: { message_id: string }) => item.message_id);
    return { kind, ranking: ids.map((id) => turnOf.get(id) ?? id), evidence };
  }
  const answered: Answered[] = [];
  for (let from = 0; from < questions.length; from += 8) {
    answered.push(...(await Promise.all(questions.slice(from, from + 8).map(ask))));
  }
  return answered;
}

beforeAll(async () => {
  const chats = await readChats();
  folder = await makeDataDir();
  server = await startStandalone({ dataDir: folder.path });
  api = createApiClient(server);
  const turnOf = await store(chats);
  const answered = new Map<Mode, readonly Answered[]>();
  for (const mode of modes) answered.set(mode, await askAll(chats, mode, turnOf));
  recallOf = new Map([...answered].map(([mode, answers]) => [mode, recallByKind(answers)]));
  if (process.env['RETRIEVAL_REPORT'] === undefined) return;
  console.table(Object.fromEntries([...recallOf].map(([mode, recall]) => [mode, toRow(recall)])));
  console.log('floors of this:', floorsOf(answered.get('hybrid') ?? []));
});
afterAll(async () => {
  await server.kill('SIGTERM');
  await folder.remove();
});

function toRow(recall: ReadonlyMap<string, Recall>): Record<string, string> {
  return Object.fromEntries([...recall].map(([kind, { at5, at10 }]) => [kind, `${at5} / ${at10}`]));
}

function recallIn(mode: Mode): ReadonlyMap<string, Recall> {
  const recall = recallOf.get(mode);
  if (recall === undefined) throw new Error(`${mode} was not measured`);
  return recall;
}

describe('what answers a question is found', () => {
  test('hybrid search finds no less than it did, of each kind of question', () => {
    expect(belowFloors(recallIn('hybrid'), hybridFloors)).toEqual([]);
  });

  test.each(['lexical', 'vector'] as const)('hybrid search finds more than %s search alone', (mode) => {
    const [hybrid, alone] = [recallIn('hybrid').get('all'), recallIn(mode).get('all')];
    expect(hybrid?.at10).toBeGreaterThan(alone?.at10 ?? 100);
  });

  test.each(['lexical', 'vector'] as const)('the floors would fail if there were %s search alone', (mode) => {
    const below = belowFloors(recallIn(mode), hybridFloors);
    expect(below.filter((line) => line.startsWith('all: '))).toHaveLength(2);
  });
});
