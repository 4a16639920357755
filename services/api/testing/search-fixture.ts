import { expect } from 'vitest';
import { embedPending } from './embed-pending.ts';
import type { TestApi } from './test-api.ts';

export interface Seed {
  readonly content: string;
  readonly conversation_id?: string;
  readonly role?: string;
  readonly importance?: number;
  readonly created_at?: string;
  readonly metadata?: object;
}

/** A tenant's memory, and searches in it. */
export interface Memory {
  readonly tenantId: string;
  /** Stores messages, in their order, and answers their ids. */
  store(...seeds: readonly Seed[]): Promise<string[]>;
  /** Gives every pending message its vector. */
  embed(): Promise<void>;
  search(query: string, options?: object): Promise<SearchAnswer>;
  /** Contents of the hits, best first. */
  find(query: string, options?: object): Promise<string[]>;
}

export interface SearchAnswer {
  readonly total: number;
  readonly degraded: boolean;
  readonly reranked: boolean;
  readonly time?: { readonly from: string; readonly to: string; readonly text: string };
  readonly items: readonly Hit[];
  readonly groups?: readonly {
    readonly conversation_id: string;
    readonly score: number;
    readonly message_ids: readonly string[];
  }[];
  readonly next_cursor: string | null;
  readonly exhausted: boolean;
}

export interface Hit {
  readonly message_id: string;
  readonly content: string;
  readonly created_at: string;
  readonly score: number;
  readonly confidence: number;
  readonly similarity: number | null;
  readonly importance: number;
  readonly decay: number;
  readonly duplicates: number;
  readonly breakdown: {
    readonly vector: number;
    readonly lexical: number;
    readonly context: number;
    readonly speaker: number;
    readonly length: number;
    readonly role: number;
    readonly recency: number;
    readonly session: number;
    readonly nearby: { readonly vector: number; readonly lexical: number };
    readonly time: number;
    readonly echo?: boolean;
    readonly relevance: number;
    readonly importance: number;
    readonly decay: number;
    readonly score: number;
  };
}

let tenants = 0;

/** A fresh tenant. Its messages are of one conversation, by the user, of today, unless their seeds say otherwise. */
export function createMemory(getApi: () => TestApi): Memory {
  tenants += 1;
  const tenantId = `memory-${tenants}`;

  async function search(query: string, options: object = {}): Promise<SearchAnswer> {
    const answer = await getApi().call('POST', '/v1/memory/search', {
      body: { tenant_id: tenantId, query, ...options },
    });
    expect(answer).toMatchObject({ status: 200 });
    return answer.body;
  }

  return {
    tenantId,
    search,
    find: async (query, options) => (await search(query, options)).items.map((item) => item.content),
    embed: () => embedPending(getApi(), tenantId),
    async store(...seeds) {
      const messages = seeds.map((seed) => ({ tenant_id: tenantId, conversation_id: 'c', role: 'user', ...seed }));
      const answer = await getApi().call('POST', '/v1/messages/batch', { body: { messages } });
      expect(answer).toMatchObject({ status: 202 });
      return answer.body.created.map((created: { id: string }) => created.id);
    },
  };
}
