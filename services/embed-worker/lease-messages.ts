import type { Schema } from '@memory-layer/shared/db/schema';
import type { Kysely } from 'kysely';
import {
  estimateLeasedTokens,
  takeLeases,
  type LeasedMessage,
  type LeaseRequest,
  type Taken,
} from './lease-statement.ts';

export interface Lease {
  readonly messages: readonly LeasedMessage[];
  /** Other messages of the tenant may be due as well. */
  readonly mayLeaveMore: boolean;
}

/**
 * Takes due messages for `leaseMs`, counting an attempt for each: of a tenant at most what its requests ask for, by
 * number and by estimated tokens, but at least one message.
 * Messages that were leased often without an outcome are taken one at a time: behind the others, unless they have
 * waited for longer than a lease.
 *
 * @returns one lease a request, in their order.
 */
export async function leaseMessages(db: Kysely<Schema>, requests: readonly LeaseRequest[]): Promise<Lease[]> {
  const groups = [...Map.groupBy(requests, ({ tenantId, generation }) => `${tenantId}.${generation}`).values()];
  const asks = groups.flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const limit = sumOf(group.map((request) => request.limit));
    return [{ ...first, limit, tokenBudget: sumOf(group.map((request) => request.tokenBudget)), alone: undefined }];
  });
  const leaseMs = Math.max(...requests.map((request) => request.leaseMs));
  const first = await takeLeases(db, asks, leaseMs);
  // Nothing of one kind: perhaps of the other.
  const empty = first.filter(({ messages }) => messages.length === 0);
  const others = await takeLeases(
    db,
    empty.map((taken) => ({ ...taken, alone: !taken.alone })),
    leaseMs,
  );
  const second = new Map(empty.map((taken, index) => [taken, others[index] ?? taken]));
  const leases = new Map<LeaseRequest, Lease>();
  groups.forEach((group, index) => {
    const taken = first[index];
    if (taken !== undefined) share(second.get(taken) ?? taken, group, leases);
  });
  return requests.map((request) => leases.get(request) ?? { messages: [], mayLeaveMore: false });
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}

/** Deals what was taken out to those who asked for the same: the last one that gets some knows whether more is left. */
function share({ messages, isMore }: Taken, group: readonly LeaseRequest[], leases: Map<LeaseRequest, Lease>): void {
  const counts = countsWithin(messages, group);
  let dealt = 0;
  for (const [place, request] of group.entries()) {
    const own = messages.slice(dealt, dealt + (counts[place] ?? 0));
    dealt += own.length;
    leases.set(request, { messages: own, mayLeaveMore: isMore && own.length > 0 && dealt === messages.length });
  }
}

/** How many messages each request gets: until they reach its budget; then, what is left, up to its limit. */
function countsWithin(messages: readonly LeasedMessage[], group: readonly LeaseRequest[]): number[] {
  const left = messages.values();
  const counts = group.map(({ limit, tokenBudget }) => {
    let count = 0;
    for (let tokens = 0; count < limit && tokens < tokenBudget; count += 1) {
      const { value } = left.next();
      if (value === undefined) break;
      tokens += estimateLeasedTokens(value);
    }
    return count;
  });
  let rest = messages.length - sumOf(counts);
  return group.map(({ limit }, place) => {
    const count = counts[place] ?? 0;
    const more = Math.min(rest, limit - count);
    rest -= more;
    return count + more;
  });
}
