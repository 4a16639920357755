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

/** Pauses between the looks for one request; the last one goes on. Embedding takes some tens of milliseconds. */
const pausesMs = [10, 25, 25, 50, 50, 100];
/** Who is due within that is looked for in the same query. */
const slackMs = 5;
/** Ids that one look asks for at most: some milliseconds of the database. */
const idsPerLook = 2000;
/** Of one request, so that others are in the same look. */
const idsPerWaiter = 1000;
const longestRestMs = 1000;

/**
 * Waits for messages to be embedded, with one query at a time for all requests of this process that wait. However many
 * they are, a look asks for so many ids, tenants take turns, and the database rests between two looks for as long as
 * one took.
 */
export class EmbeddingWaiter {
  readonly #deps: EmbeddingWaiterDeps;
  readonly #waiters = new Set<Waiter>();
  #timer: { readonly at: number; readonly handle: NodeJS.Timeout } | undefined;
  #isLooking = false;
  #isClosed = false;
  #restsUntil = 0;

  constructor(deps: EmbeddingWaiterDeps) {
    this.#deps = deps;
  }

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
    const statuses = new Map(messageIds.map((id): [string, AwaitedStatus] => [id, 'pending']));
    if (statuses.size > 0 && !signal.aborted && !this.#isClosed) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const dueAt = Date.now() + (pausesMs[0] ?? 0);
      const waiter: Waiter = { tenantId, generation, statuses, resolve, looks: 0, dueAt };
      this.#waiters.add(waiter);
      this.#schedule();
      const finish = (): void => this.#finish(waiter);
      const late = setTimeout(finish, timeoutMs);
      signal.addEventListener('abort', finish, { once: true });
      await promise;
      clearTimeout(late);
      signal.removeEventListener('abort', finish);
    }
    return withoutGone(statuses);
  }

  /** Requests that wait are answered now, with what is known. */
  close(): void {
    this.#isClosed = true;
    for (const waiter of this.#waiters) this.#finish(waiter);
  }

  #finish(waiter: Waiter): void {
    this.#waiters.delete(waiter);
    waiter.resolve();
    if (this.#waiters.size > 0) return;
    clearTimeout(this.#timer?.handle);
    this.#timer = undefined;
  }

  #schedule(): void {
    if (this.#isLooking || this.#isClosed || this.#waiters.size === 0) return;
    let at = Number.POSITIVE_INFINITY;
    for (const { dueAt } of this.#waiters) at = Math.min(at, dueAt);
    at = Math.max(at, this.#restsUntil);
    if (this.#timer !== undefined && this.#timer.at <= at) return;
    clearTimeout(this.#timer?.handle);
    this.#timer = { at, handle: setTimeout(() => void this.#look(), Math.max(0, at - Date.now())) };
  }

  async #look(): Promise<void> {
    this.#timer = undefined;
    this.#isLooking = true;
    const startedAt = Date.now();
    const due = takeTurns([...this.#waiters].filter(({ dueAt }) => dueAt <= startedAt + slackMs));
    try {
      await this.#update(due);
    } catch (error) {
      // The message is stored: that its status cannot be read now must not fail its request.
      this.#deps.logger.warn({ err: error }, 'embedding statuses could not be read');
    }
    for (const waiter of due) {
      waiter.looks += 1;
      waiter.dueAt = Date.now() + (pausesMs[waiter.looks] ?? pausesMs.at(-1) ?? 0);
      if (!hasPending(waiter)) this.#finish(waiter);
    }
    this.#restsUntil = Date.now() + Math.min(Date.now() - startedAt, longestRestMs);
    this.#isLooking = false;
    this.#schedule();
  }

  /** One query for what is pending, and one for each tenant of which something no longer is. */
  async #update(due: readonly Waiter[]): Promise<void> {
    const { statuses } = this.#deps;
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
        for (const id of pendingOf(waiter)) {
          const status = found.get(id);
          if (status === undefined) continue; // Not asked for in this look.
          // The last to be asked for again, where not all are asked for at once.
          waiter.statuses.delete(id);
          waiter.statuses.set(id, status);
        }
      }
    }
  }
}

export function createEmbeddingWaiter(deps: EmbeddingWaiterDeps): EmbeddingWaiter {
  return new EmbeddingWaiter(deps);
}

/** Of those that are due, as many as one look has ids for: one of each tenant in turn, the longest due first. */
function takeTurns(due: readonly Waiter[]): Waiter[] {
  const inOrder = due.toSorted((one, other) => one.dueAt - other.dueAt);
  const queues = [...Map.groupBy(inOrder, ({ tenantId }) => tenantId).values()];
  const taken: Waiter[] = [];
  let left = idsPerLook;
  for (let round = 0; left > 0 && queues.some((queue) => queue.length > round); round++) {
    for (const queue of queues) {
      const waiter = queue[round];
      if (waiter === undefined || left <= 0) continue;
      taken.push(waiter);
      left -= pendingOf(waiter).length;
    }
  }
  return taken;
}

/** The ids that the next look asks for. */
function pendingOf({ statuses }: Waiter): string[] {
  const ids: string[] = [];
  for (const [id, status] of statuses) {
    if (status === 'pending') ids.push(id);
    if (ids.length === idsPerWaiter) break;
  }
  return ids;
}

function hasPending({ statuses }: Waiter): boolean {
  return statuses.values().some((status) => status === 'pending');
}

function withoutGone(statuses: ReadonlyMap<string, AwaitedStatus>): Map<string, EmbeddingStatus> {
  return new Map([...statuses].flatMap(([id, status]) => (status === 'gone' ? [] : [[id, status] as const])));
}
