import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiClient } from '../api-client.ts';
import type { Sent } from './ledger.ts';

export interface LoadOutcome extends Sent {
  /** Answers, by status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** 503 that do not say when to come again. */
  readonly withoutRetryAfter: number;
  /** Request ids that got no answer, with the contents they carried. */
  readonly unanswered: ReadonlyMap<string, readonly string[]>;
}

export interface Load {
  /** Waits until this many more requests have been answered with the status. */
  untilAnswered(status: number, times?: number): Promise<void>;
  /** Waits for the requests under way. */
  stop(): Promise<LoadOutcome>;
}

export interface LoadOptions {
  readonly tenantId: string;
  readonly senders?: number;
  /** Of each sender, between two requests. */
  readonly pauseMs?: number;
}

/** Sends single messages, batches and searches until it is stopped. Every request carries an id of its own. */
export function startLoad(api: ApiClient, { tenantId, senders = 8, pauseMs = 20 }: LoadOptions): Load {
  const acknowledged = new Map<string, string>();
  const unanswered = new Map<string, readonly string[]>();
  const statuses = new Map<number, number>();
  let withoutRetryAfter = 0;
  const stopping = new AbortController();

  async function send(sender: number, turn: number): Promise<void> {
    const requestId = `${tenantId}-${sender}-${turn}`;
    const contents = contentsOf(sender, turn);
    const messages = contents.map((content) => ({
      tenant_id: tenantId,
      conversation_id: `c${sender}`,
      role: 'user',
      content,
    }));
    const answer = await request(api, tenantId, messages, requestId).catch(() => undefined);
    if (answer === undefined) {
      unanswered.set(requestId, contents);
      return;
    }
    statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
    if (answer.status === 503 && !answer.headers.has('retry-after')) withoutRetryAfter += 1;
    if (answer.status !== 202) return;
    for (const stored of answer.body.created ?? [answer.body]) acknowledged.set(stored.id, stored.content);
  }

  const loops = Array.from({ length: senders }, async (_, sender) => {
    for (let turn = 0; !stopping.signal.aborted; turn++) {
      await send(sender, turn);
      await sleep(pauseMs);
    }
  });

  return {
    async untilAnswered(status, times = 20) {
      const target = (statuses.get(status) ?? 0) + times;
      for (const deadline = Date.now() + 60_000; Date.now() < deadline; await sleep(10)) {
        if ((statuses.get(status) ?? 0) >= target) return;
      }
      throw new Error(`no ${times} more answers of ${status}: ${JSON.stringify(Object.fromEntries(statuses))}`);
    },
    async stop() {
      stopping.abort();
      await Promise.all(loops);
      const refused = statuses.get(503) ?? 0;
      return { acknowledged, refused, statuses: Object.fromEntries(statuses), withoutRetryAfter, unanswered };
    },
  };
}

/** Every fifth request is a batch, every seventh a search, which carries nothing. */
function contentsOf(sender: number, turn: number): string[] {
  if (turn % 7 === 6) return [];
  return Array.from({ length: turn % 5 === 4 ? 10 : 1 }, (_, item) => `Sender ${sender}, turn ${turn}, item ${item}.`);
}

function request(api: ApiClient, tenantId: string, messages: readonly object[], requestId: string) {
  const headers = { 'x-request-id': requestId };
  const [first, ...others] = messages;
  if (first === undefined) {
    return api.call('POST', '/v1/memory/search', { tenant_id: tenantId, query: 'turn of a sender' }, headers);
  }
  if (others.length === 0) return api.call('POST', '/v1/messages', first, headers);
  return api.call('POST', '/v1/messages/batch', { messages }, headers);
}
