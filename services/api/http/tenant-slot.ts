import type { Context } from 'hono';
import type { RequestCost } from '../cost/request-cost.ts';
import type { Release, TenantConcurrencyLimiter } from '../cost/tenant-concurrency-limiter.ts';
import type { ApiEnv } from './api-env.ts';

/** Lets reads in, so many of a tenant at a time. */
export type ReadLimiter = Pick<TenantConcurrencyLimiter, 'acquire'>;

export interface LimitedRead {
  readonly limiter: ReadLimiter;
  readonly tenantId: string;
  readonly cost: RequestCost;
}

/**
 * Does the work of a read once its tenant may have it done. It counts until its answer has been written or its connection
 * is closed, so that a client that does not read holds up its own tenant only; and until the work has ended, which may be
 * after an answer that the deadline gave.
 *
 * @throws AppError as `TenantConcurrencyLimiter.acquire`, and what the work throws.
 */
export async function withTenantSlot<Result>(
  c: Context<ApiEnv>,
  { limiter, tenantId, cost }: LimitedRead,
  work: () => Promise<Result>,
): Promise<Result> {
  const release = whenCalledTwice(await limiter.acquire(tenantId, cost.units, c.get('signal')));
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

function whenCalledTwice(release: Release): Release {
  let calls = 0;
  return () => {
    calls += 1;
    if (calls === 2) release();
  };
}
