import type { Logger } from '@memory-layer/shared/observability/logger';
import type { AwaitedStatus, EmbeddingStatuses } from './embedding-status.repository.ts';

export type EmbeddingStatus = 'pending' | 'completed' | 'failed';

export interface EmbeddingWaiterDeps {
  readonly statuses: EmbeddingStatuses;
  readonly logger: Logger;
}

export interface WaitOptions {
  readonly timeoutMs: number;
  /** Ends the waiting early. */
  readonly signal: AbortSignal;
}

interface Waiter {
  readonly tenantId: string;
  readonly generation: number;
  /** What is known so far; those that are pending are looked for. */
  readonly statuses: Map<string, AwaitedStatus>;
  readonly resolve: () => void;
  looks: number;
  dueAt: number;
}

export type EmbeddingWaiter = ReturnType<typeof createEmbeddingWaiter>;

/** Pauses between the looks for one request; the last one goes on. Embedding takes some tens of milliseconds. */
const pausesMs = [10, 25, 25, 50, 50, 100];
/** Who is due within that is looked for in the same query. */
const slackMs = 5;

/** Waits for messages to be embedded, with one query at a time for all requests of this process that wait. */
export function createEmbeddingWaiter({ statuses, logger }: EmbeddingWaiterDeps) {
  const waiters = new Set<Waiter>();
  let timer: { readonly at: number; readonly handle: NodeJS.Timeout } | undefined;
  let isLooking = false;
  let isClosed = false;

  function finish(waiter: Waiter): void {
    waiters.delete(waiter);
    waiter.resolve();
    if (waiters.size > 0) return;
    clearTimeout(timer?.handle);
    timer = undefined;
  }

  function schedule(): void {
    if (isLooking || isClosed || waiters.size === 0) return;
    const dueAt = Math.min(...Array.from(waiters, (waiter) => waiter.dueAt));
    if (timer !== undefined && timer.at <= dueAt) return;
    clearTimeout(timer?.handle);
    timer = { at: dueAt, handle: setTimeout(() => void look(), Math.max(0, dueAt - Date.now())) };
  }

  async function look(): Promise<void> {
    timer = undefined;
    isLooking = true;
    const due = [...waiters].filter((waiter) => waiter.dueAt <= Date.now() + slackMs);
    try {
      await update(due);
    } catch (error) {
      // The message is stored: that its status cannot be read now must not fail its request.
      logger.warn({ err: error }, 'embedding statuses could not be read');
    }
    for (const waiter of due) {
      waiter.looks += 1;
      waiter.dueAt = Date.now() + (pausesMs[waiter.looks] ?? pausesMs.at(-1) ?? 0);
      if (pendingOf(waiter).length === 0) finish(waiter);
    }
    isLooking = false;
    schedule();
  }

  /** One query for what is pending, and one for each tenant of which something no longer is. */
  async function update(due: readonly Waiter[]): Promise<void> {
    const groups = [...Map.groupBy(due, ({ tenantId, generation }) => `${tenantId} ${generation}`).values()];
    const awaited = groups.flatMap((group) => {
      const [first] = group;
      if (first === undefined) return [];
      const { tenantId, generation } = first;
      return [{ tenantId, generation, messageIds: [...new Set(group.flatMap(pendingOf))] }];
    });
    const pending = await statuses.readPending(awaited);
    for (const [n, one] of awaited.entries()) {
      const found: Map<string, AwaitedStatus> = new Map(pending[n]);
      const messageIds = one.messageIds.filter((id) => !found.has(id));
      const settled = messageIds.length === 0 ? [] : await statuses.readSettled({ ...one, messageIds });
      for (const [id, status] of settled) found.set(id, status);
      for (const waiter of groups[n] ?? []) {
        for (const id of pendingOf(waiter)) waiter.statuses.set(id, found.get(id) ?? 'pending');
      }
    }
  }

  return {
    /**
     * Resolves once none of the messages is pending any more, or with what is known when the time is up, the signal
     * aborts or the process goes down. Never rejects: what could not be read counts as pending.
     *
     * @returns the status of each id; an id that is not in it was deleted or archived meanwhile.
     */
    async waitUntilEmbedded(
      tenantId: string,
      messageIds: readonly string[],
      generation: number,
      { timeoutMs, signal }: WaitOptions,
    ): Promise<Map<string, EmbeddingStatus>> {
      const known = new Map(messageIds.map((id): [string, AwaitedStatus] => [id, 'pending']));
      if (known.size > 0 && !signal.aborted && !isClosed) {
        const { promise, resolve } = Promise.withResolvers<void>();
        const dueAt = Date.now() + (pausesMs[0] ?? 0);
        const waiter: Waiter = { tenantId, generation, statuses: known, resolve, looks: 0, dueAt };
        waiters.add(waiter);
        schedule();
        const late = setTimeout(() => finish(waiter), timeoutMs);
        signal.addEventListener('abort', () => finish(waiter), { once: true });
        await promise;
        clearTimeout(late);
      }
      return withoutGone(known);
    },

    /** Requests that wait are answered now, with what is known. */
    close(): void {
      isClosed = true;
      for (const waiter of waiters) finish(waiter);
    },
  };
}

function pendingOf({ statuses }: Waiter): string[] {
  return [...statuses].filter(([, status]) => status === 'pending').map(([id]) => id);
}

function withoutGone(statuses: ReadonlyMap<string, AwaitedStatus>): Map<string, EmbeddingStatus> {
  return new Map([...statuses].flatMap(([id, status]) => (status === 'gone' ? [] : [[id, status] as const])));
}
