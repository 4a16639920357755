import { eventually } from './ledger.ts';
import type { ChaosRequest, SentMessage } from './chaos-request.ts';

/** A message as an answer shows it. */
export interface AcknowledgedMessage {
  readonly id: string;
  readonly external_id: string | null;
}

export type History = ReturnType<typeof createHistory>;

/** What was sent and what was acknowledged, by external_id. */
export function createHistory() {
  const sent = new Map<string, SentMessage>();
  const acknowledged = new Map<string, string>();
  const keyed = new Map<string, ChaosRequest>();
  const contradictions = new Map<string, { times: number; readonly example: string }>();
  const counts = new Map<string, number>();

  function count(what: string, by = 1): void {
    counts.set(what, (counts.get(what) ?? 0) + by);
  }

  function contradict(what: string, example: string): void {
    const known = contradictions.get(what);
    if (known === undefined) contradictions.set(what, { times: 1, example });
    else known.times += 1;
  }

  return {
    sent,
    /** To the id in the answer. */
    acknowledged,
    /** By idempotency key. */
    keyed,
    count,
    /** Notes an answer that must not be, whatever fails; of each kind the first is kept. */
    contradict,

    /** What was noted, in sentences. */
    contradictions: (): string[] =>
      [...contradictions].map(([what, { times, example }]) => `${what}, ${times} times, as in: ${example}`),

    counts: (): Readonly<Record<string, number>> => Object.fromEntries(counts),

    /** To be called before anything leaves. */
    send(request: ChaosRequest): void {
      for (const message of request.messages) sent.set(message.external_id, message);
      if (request.idempotencyKey !== undefined) keyed.set(request.idempotencyKey, request);
    },

    /** An external_id has one id, however often it is sent. */
    acknowledge({ external_id: externalId, id }: AcknowledgedMessage): void {
      const known = externalId === null ? undefined : sent.get(externalId);
      if (externalId === null || known === undefined) {
        contradict('acknowledged what was never sent', `${id} as ${externalId}`);
        return;
      }
      const before = acknowledged.get(externalId);
      if (before !== undefined && before !== id) {
        contradict('acknowledged under two ids', `${externalId} is ${before}, and ${id}`);
      }
      acknowledged.set(externalId, id);
    },

    tenants: (): readonly string[] => [...new Set([...sent.values()].map((message) => message.tenant_id))],

    isAcknowledged: (request: ChaosRequest): boolean =>
      request.messages.every((message) => acknowledged.has(message.external_id)),

    /** Waits until `more` further messages are acknowledged. */
    async untilAcknowledged(more: number): Promise<void> {
      const target = acknowledged.size + more;
      await eventually(`${more} more messages are acknowledged`, async () => acknowledged.size >= target);
    },
  };
}
