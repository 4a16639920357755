import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';

export interface Target {
  readonly url: string;
  readonly apiKey: string;
}

export interface MessageInput {
  readonly external_id: string;
  readonly conversation_id: string;
  readonly role: 'user' | 'assistant' | 'system' | 'tool';
  readonly content: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly created_at: string;
}

const batchAnswer = z.looseObject({
  created: z.array(z.looseObject({ id: z.string() })),
  errors: z.array(z.unknown()),
});
const storedMessage = z.looseObject({
  id: z.string(),
  external_id: z.string().nullable(),
  content: z.string(),
  embedding_status: z.string(),
});
const listAnswer = z.looseObject({ items: z.array(storedMessage), next_cursor: z.string().nullable() });
const hitSchema = z.looseObject({
  message_id: z.string(),
  score: z.number(),
  /** Deployments of before this field do not have it. */
  confidence: z.number().optional(),
  similarity: z.number().nullish(),
  breakdown: z.record(z.string(), z.unknown()).default({}),
});
const searchAnswer = z.looseObject({ degraded: z.boolean(), items: z.array(hitSchema) });

export type StoredMessage = z.output<typeof storedMessage>;
export type Hit = z.output<typeof hitSchema>;

/** An answer that is no success, with its body. */
export class RefusedError extends Error {
  readonly status: number;

  constructor(path: string, status: number, body: string) {
    super(`${path} answered ${status}: ${body}`);
    this.status = status;
  }
}

export type MemoryClient = ReturnType<typeof createMemoryClient>;

/** The part of the HTTP API that an evaluation needs. Waits as long as the server asks. */
export function createMemoryClient({ url, apiKey }: Target) {
  async function call<T>(schema: z.ZodType<T>, path: string, body?: unknown): Promise<T> {
    const response = await fetch(new URL(path, url), {
      method: body === undefined ? 'GET' : 'POST',
      headers: { 'x-api-key': apiKey, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (response.status === 429 || response.status === 503) {
      await response.body?.cancel();
      await sleep(Number(response.headers.get('retry-after') ?? 1) * 1000);
      return call(schema, path, body);
    }
    if (!response.ok) throw new RefusedError(path, response.status, await response.text());
    return schema.parse(await response.json());
  }

  return {
    /** Stores up to 1 000 messages. */
    async store(tenantId: string, messages: readonly MessageInput[]): Promise<void> {
      const body = { messages: messages.map((message) => ({ ...message, tenant_id: tenantId })) };
      const answer = await call(batchAnswer, '/v1/messages/batch', body);
      if (answer.errors.length > 0) throw new Error(`refused: ${JSON.stringify(answer.errors[0])}`);
    },

    /** Every message of a tenant. */
    async list(tenantId: string): Promise<StoredMessage[]> {
      const all: StoredMessage[] = [];
      let cursor: string | null = '';
      while (cursor !== null) {
        const query = new URLSearchParams({ tenant_id: tenantId, limit: '200', ...(cursor !== '' && { cursor }) });
        const page: z.output<typeof listAnswer> = await call(listAnswer, `/v1/messages?${query.toString()}`);
        all.push(...page.items);
        cursor = page.next_cursor;
      }
      return all;
    },

    /** @returns hits, best first. @throws RefusedError when the request is not understood. */
    async search(tenantId: string, request: Readonly<Record<string, unknown>>): Promise<Hit[]> {
      const answer = await call(searchAnswer, '/v1/memory/search', { ...request, tenant_id: tenantId });
      if (answer.degraded) throw new Error('the search was degraded: the query could not be embedded');
      return answer.items;
    },
  };
}
