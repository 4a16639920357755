import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';

export interface MemoryClientOptions {
  readonly baseUrl: string;
  readonly apiKey: string;
}

export interface MessageInput {
  readonly conversation_id: string;
  readonly role: 'user' | 'assistant';
  readonly content: string;
  readonly created_at: string;
}

const batchAnswer = z.looseObject({
  created: z.array(z.looseObject({ id: z.string() })),
  errors: z.array(z.unknown()),
});
const searchAnswer = z.looseObject({
  degraded: z.boolean(),
  items: z.array(z.looseObject({ message_id: z.string() })),
});
const listAnswer = z.looseObject({
  items: z.array(z.looseObject({ embedding_status: z.string() })),
  next_cursor: z.string().nullable(),
});

/** The part of the HTTP API that an evaluation needs. */
export function createMemoryClient({ baseUrl, apiKey }: MemoryClientOptions) {
  async function call<T>(schema: z.ZodType<T>, path: string, body?: unknown): Promise<T> {
    const response = await fetch(new URL(path, baseUrl), {
      method: body === undefined ? 'GET' : 'POST',
      headers: { 'x-api-key': apiKey, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (response.status === 429) {
      await sleep(Number(response.headers.get('retry-after') ?? 1) * 1000);
      return call(schema, path, body);
    }
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
    return schema.parse(await response.json());
  }

  async function countNotEmbedded(tenantId: string): Promise<number> {
    let open = 0;
    let cursor: string | null = '';
    while (cursor !== null) {
      const query = new URLSearchParams({ tenant_id: tenantId, limit: '200', ...(cursor === '' ? {} : { cursor }) });
      const page: z.output<typeof listAnswer> = await call(listAnswer, `/v1/messages?${query.toString()}`);
      open += page.items.filter((item) => item.embedding_status !== 'completed').length;
      cursor = page.next_cursor;
    }
    return open;
  }

  return {
    /** Stores up to 1 000 messages; @returns their ids, in order. */
    async store(tenantId: string, messages: readonly MessageInput[]): Promise<string[]> {
      const body = { messages: messages.map((message) => ({ ...message, tenant_id: tenantId })) };
      const answer = await call(batchAnswer, '/v1/messages/batch', body);
      if (answer.errors.length > 0) throw new Error(`refused: ${JSON.stringify(answer.errors[0])}`);
      return answer.created.map((message) => message.id);
    },

    /** Waits until every message of the tenant is embedded. */
    async waitUntilEmbedded(tenantId: string, onProgress: (open: number) => void): Promise<void> {
      for (let open = await countNotEmbedded(tenantId); open > 0; open = await countNotEmbedded(tenantId)) {
        onProgress(open);
        await sleep(500);
      }
    },

    /** @returns ids, best first. */
    async search(
      tenantId: string,
      query: string,
      options: { readonly mode: string; readonly topK: number },
    ): Promise<string[]> {
      const body = { tenant_id: tenantId, query, mode: options.mode, top_k: options.topK };
      const answer = await call(searchAnswer, '/v1/memory/search', body);
      if (answer.degraded) throw new Error('the search was degraded: the embedder is away');
      return answer.items.map((item) => item.message_id);
    },
  };
}
