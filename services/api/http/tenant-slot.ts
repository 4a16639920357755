import type { Context } from 'hono';
import { soleTenantOf, type Caller } from '../access/caller.ts';
import type { RequestCost } from '../cost/request-cost.ts';
import type { TenantConcurrencyLimiter } from '../cost/tenant-concurrency-limiter.ts';
import type { UnreadAnswers } from '../cost/unread-answers.ts';
import type { ApiEnv } from './api-env.ts';

/** Lets requests in, by what they cost their tenant at a time, and by what its clients have not read of their answers. */
export interface ReadLimiter extends Pick<TenantConcurrencyLimiter, 'acquire' | 'hasOthers'> {
  readonly unread?: UnreadAnswers;
}

export interface LimitedRequest {
  readonly limiter: ReadLimiter;
  readonly tenantId: string;
  readonly cost: RequestCost;
  /** Ends the waiting for a slot; by default the request's deadline, or its client when it goes away. */
  readonly signal?: AbortSignal;
}

/**
 * Does the work of a request, or a part of it, once its tenant may have it done. It counts until the work has ended, which
 * may be after an answer that the deadline gave. How long a client takes to read its answer does not count: see
 * {@link countUnread}.
 *
 * @throws AppError as `TenantConcurrencyLimiter.acquire` and `UnreadAnswers.check`, and what the work throws.
 */
export async function withTenantSlot<Result>(
  c: Context<ApiEnv>,
  { limiter, tenantId, cost, signal }: LimitedRequest,
  work: () => Promise<Result>,
): Promise<Result> {
  limiter.unread?.check(tenantId);
  const release = await limiter.acquire(tenantId, cost.units, () => signal ?? c.get('signal')());
  try {
    // Again: what waited with it may have been answered meanwhile.
    limiter.unread?.check(tenantId);
    const result = await work();
    countUnread(c, limiter.unread, tenantId);
    return result;
  } finally {
    release();
  }
}

/** The same for what a caller administers: it counts as its tenant's, or as its own when it has several. */
export function withCallerSlot<Result>(
  c: Context<ApiEnv>,
  { limiter, cost }: Pick<LimitedRequest, 'limiter' | 'cost'>,
  work: (caller: Caller) => Promise<Result>,
): Promise<Result> {
  const caller = c.get('caller');
  return withTenantSlot(c, { limiter, tenantId: soleTenantOf(caller) ?? caller.keyId, cost }, () => work(caller));
}

/** Counts the answer that has been made, if it is one of `answerJson`, until its connection is done with it. */
export function countUnread(c: Context<ApiEnv>, unread: UnreadAnswers | undefined, tenantId: string): void {
  // Without a listener, as in tests, there is no connection.
  const bindings: Partial<ApiEnv['Bindings']> | undefined = c.env;
  const outgoing = bindings?.outgoing;
  const bytes = c.get('answerBytes') ?? 0;
  if (unread === undefined || outgoing === undefined || outgoing.closed || bytes === 0) return;
  outgoing.once('close', unread.hold(tenantId, bytes));
}
