/**
 * A chat application's side of memory-layer: store every turn, and before each answer ask for what is relevant.
 * Start memory-layer with `npm start`, then, in the same folder:
 *
 *   npx pnpm@12 exec node examples/chat-memory.ts
 *
 * MEMORY_URL and MEMORY_API_KEY say where else it runs, and with which key.
 */
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

interface Turn {
  readonly role: 'user' | 'assistant';
  readonly content: string;
}

interface Memory {
  readonly message_id: string;
  readonly role: string;
  readonly content: string;
  readonly score: number;
}

interface Listing {
  readonly items: readonly { readonly embedding_status: string }[];
}

const baseUrl = process.env['MEMORY_URL'] ?? 'http://127.0.0.1:8000';
const apiKey = process.env['MEMORY_API_KEY'] ?? (await readFile('data/api-key', 'utf8')).trim();
const tenantId = 'example';

async function call<Answer>(path: string, body?: object): Promise<Answer> {
  const response = await fetch(baseUrl + path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { 'x-api-key': apiKey, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  // 207 is a batch of which some items were refused; its answer says which and why.
  if (!response.ok || response.status === 207) throw new Error(`${response.status}: ${await response.text()}`);
  // The shapes are those of docs/openapi.json.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return (await response.json()) as Answer;
}

/** Stores turns, in their order. When it returns they are on disk and can be found by their words. */
async function remember(conversationId: string, turns: readonly Turn[]): Promise<void> {
  const messages = turns.map((turn) => ({ tenant_id: tenantId, conversation_id: conversationId, ...turn }));
  await call<unknown>('/v1/messages/batch', { messages });
}

/** The stored turns, of all conversations, that say most about a question. */
async function recall(question: string, count: number): Promise<readonly Memory[]> {
  const request = { tenant_id: tenantId, query: question, top_k: count };
  const { items } = await call<{ readonly items: readonly Memory[] }>('/v1/memory/search', request);
  return items;
}

/** What a chat model is given besides the question. */
function toPrompt(question: string, memories: readonly Memory[]): string {
  const lines = memories.map(({ role, content }) => `- ${role}: ${content}`);
  return ['What was said before, most relevant first:', ...lines, '', `The user now says: ${question}`].join('\n');
}

/** A chat need not wait for this. The example does, so that its one question is answered by meaning too. */
async function untilEmbedded(conversationId: string): Promise<void> {
  const path = `/v1/messages?tenant_id=${tenantId}&conversation_id=${conversationId}`;
  for (;;) {
    const { items } = await call<Listing>(path);
    if (items.every(({ embedding_status: status }) => status !== 'pending')) return;
    await sleep(100);
  }
}

const conversationId = `chat-${Date.now()}`;
await remember(conversationId, [
  { role: 'user', content: 'My sister Ana moved to Lisbon in May.' },
  { role: 'assistant', content: 'How exciting! Does she like her new flat?' },
  { role: 'user', content: 'She does, it is close to the river. I will visit her in October.' },
  { role: 'assistant', content: 'Shall I look for flights?' },
  { role: 'user', content: 'Not yet. By the way, I am allergic to peanuts.' },
  { role: 'assistant', content: 'Noted: no peanuts.' },
]);
await untilEmbedded(conversationId);

const question = 'Which city is my sibling living in?';
console.log(toPrompt(question, await recall(question, 3)));
