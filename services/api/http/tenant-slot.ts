import type { Context } from 'hono';
import type { RequestCost } from '../cost/request-cost.ts';
import type { Release, TenantConcurrencyLimiter } from '../cost/tenant-concurrency-limiter.ts';
import type { ApiEnv } from './api-env.ts';

/** Lets requests in, by what they cost their tenant at a time. */
export type ReadLimiter = Pick<TenantConcurrencyLimiter, 'acquire'>;

export interface LimitedRequest {
  readonly limiter: ReadLimiter;
  readonly tenantId: string;
  readonly cost: RequestCost;
  /** Ends the waiting for a slot; by default the request's deadline, or its client when it goes away. */
  readonly signal?: AbortSignal;
}

/**
 * Does the work of a request once its tenant may have it done. It counts until its answer has been written or its connection
 * is closed, so that a client that does not read holds up its own tenant only; and until the work has ended, which may be
 * after an answer that the deadline gave.
 *
 * @throws AppError as `TenantConcurrencyLimiter.acquire`, and what the work throws.
 */
export async function withTenantSlot<Result>(
  c: Context<ApiEnv>,
  { limiter, tenantId, cost, signal }: LimitedRequest,
  work: () => Promise<Result>,
): Promise<Result> {
  const release = whenCalledTwice(await limiter.acquire(tenantId, cost.units, () => signal ?? c.get('signal')()));
  // Without a listener, as in tests, there is no connection.
  const bindings: Partial<ApiEnv['Bindings']> | undefined = c.env;
  const outgoing = bindings?.outgoing;
  if (outgoing === undefined || outgoing.closed) release();
  else outgoing.once('close', release);
  try {
    return await work();
  } finally {
    release();
  }
}

/**
 * Does a part of a request's work once its tenant may have it done. It counts until that part has ended: the rest waits,
 * or goes on for as long as the client likes, without work for the database.
 *
 * @throws AppError as `TenantConcurrencyLimiter.acquire`, and what the work throws.
 */
export async function withTenantSlotFor<Result>(
  c: Context<ApiEnv>,
  { limiter, tenantId, cost, signal }: LimitedRequest,
  work: () => Promise<Result>,
): Promise<Result> {
  const release = await limiter.acquire(tenantId, cost.units, () => signal ?? c.get('signal')());
  try {
    return await work();
  } finally {
    release();
  }
}

function whenCalledTwice(release: Release): Release {
  let calls = 0;
  return () => {
    calls += 1;
    if (calls === 2) release();
  };
}
