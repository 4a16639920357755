import type { Logger } from '@memory-layer/shared/observability/logger';
import { PollSchedule, type WaitOptions } from '../../polling/poll-schedule.ts';
import type { AwaitedStatus, EmbeddingStatuses } from './embedding-status.repository.ts';

export type KnownStatus = Exclude<AwaitedStatus, 'gone'>;

export interface EmbeddingWaiterDeps {
  readonly statuses: EmbeddingStatuses;
  readonly logger: Logger;
}

interface Waiter {
  readonly tenantId: string;
  readonly generation: number;
  /** What is known so far; those that are pending are polled for. */
  readonly statuses: Map<string, AwaitedStatus>;
}

/** Embedding takes some tens of milliseconds. */
const pausesMs = [10, 25, 25, 50, 50, 100];
const slackMs = 5;
const restMs = { shortest: 0, longest: 1000 };
/** Ids that one poll asks for at most: some milliseconds of the database. */
const idsPerPoll = 2000;
/** Of one request, so that others are in the same poll. */
const idsPerWaiter = 1000;

/**
 * Waits for messages to be embedded, with one query at a time for all requests of this process that wait. A poll asks
 * for a bounded number of ids, and tenants take turns.
 */
export class EmbeddingWaiter {
  readonly #deps: EmbeddingWaiterDeps;
  readonly #schedule: PollSchedule<Waiter>;

  constructor(deps: EmbeddingWaiterDeps) {
    this.#deps = deps;
    this.#schedule = new PollSchedule({
      pausesMs,
      slackMs,
      restMs,
      choose: takeTurns,
      poll: (due) => this.#update(due),
      isDone: ({ statuses }) => !statuses.values().some((status) => status === 'pending'),
      // The message is stored: that its status cannot be read now must not fail its request.
      onError: (error) => deps.logger.warn({ err: error }, 'embedding statuses could not be read'),
    });
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
    options: WaitOptions,
  ): Promise<Map<string, KnownStatus>> {
    const statuses = new Map(messageIds.map((id): [string, AwaitedStatus] => [id, 'pending']));
    if (statuses.size > 0) await this.#schedule.wait({ tenantId, generation, statuses }, options);
    return withoutGone(statuses);
  }

  /** Requests that wait are answered now, with what is known. */
  close(): void {
    this.#schedule.close();
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
      for (const waiter of groups[n] ?? []) applyStatuses(waiter, found);
    }
  }
}

/** Of those that are due, as many as one poll has ids for: one of each tenant in turn, the longest due first. */
function takeTurns(due: readonly Waiter[]): Waiter[] {
  const queues = [...Map.groupBy(due, ({ tenantId }) => tenantId).values()];
  const taken: Waiter[] = [];
  let left = idsPerPoll;
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

/** The ids that the next poll asks for. */
function pendingOf({ statuses }: Waiter): string[] {
  const ids: string[] = [];
  for (const [id, status] of statuses) {
    if (status === 'pending') ids.push(id);
    if (ids.length === idsPerWaiter) break;
  }
  return ids;
}

function applyStatuses(waiter: Waiter, found: ReadonlyMap<string, AwaitedStatus>): void {
  for (const id of pendingOf(waiter)) {
    const status = found.get(id);
    if (status === undefined) continue; // Not asked for in this poll.
    // The last to be asked for again, where not all are asked for at once.
    waiter.statuses.delete(id);
    waiter.statuses.set(id, status);
  }
}

function withoutGone(statuses: ReadonlyMap<string, AwaitedStatus>): Map<string, KnownStatus> {
  return new Map([...statuses].flatMap(([id, status]) => (status === 'gone' ? [] : [[id, status] as const])));
}
