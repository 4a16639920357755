import { AppError } from '@memory-layer/shared/errors/app-error';
import type { Context, MiddlewareHandler } from 'hono';
import type { BodyMemory } from '../cost/body-memory.ts';
import type { Caller, CallerDirectory, FoundCaller } from '../access/caller.ts';
import type { Scope } from '../access/scopes.ts';
import type { TenantDirectory } from '../access/tenant.ts';
import type { ApiEnv } from './api-env.ts';
import { requestHeader } from './node-headers.ts';
import type { RequestCounter } from './request-counter.ts';

/**
 * Who may call a path. `open`: everybody. `recognised`: everybody, and a known key is recognised. `closed`: only with a
 * known key. `probe`: everybody, and requests from this machine are not counted.
 */
export type Access = 'probe' | 'open' | 'recognised' | 'closed';

export interface AdmitCallerDeps {
  readonly keys: CallerDirectory;
  readonly tenants: TenantDirectory;
  readonly counter: RequestCounter;
  readonly bodyMemory: Pick<BodyMemory, 'open'>;
  readonly accessTo: (path: string) => Access;
  /** What the operation that answers asks for; undefined where there is none. */
  readonly scopeOf: (c: Context<ApiEnv>) => Scope | undefined;
}

/**
 * Admits a request to a closed path only with a known key, within the rates of its address and of its key. An address
 * that has used up its rate does not learn whether a key is known, so that keys cannot be guessed fast. The key needs the
 * scope of the operation.
 */
export function admitCaller({
  keys,
  tenants,
  counter,
  bodyMemory,
  accessTo,
  scopeOf,
}: AdmitCallerDeps): MiddlewareHandler<ApiEnv> {
  return async function admit(c, next) {
    const access = accessTo(c.req.path);
    if (access === 'probe' && counter.isLocal(c)) return next();
    const presented = access === 'closed' || access === 'recognised' ? presentedKey(c) : undefined;
    const found = presented === undefined ? undefined : keys.find(presented);
    c.set('bodyMemory', bodyMemory);
    c.set('tenants', tenants);
    const rates = counter.begin(c);
    try {
      // What has to be looked up is looked up for an address within its rate alone.
      if (typeof found === 'function') await counter.countAddress(c);
      const caller = typeof found === 'function' ? await lookUp(found, access) : found;
      if (caller !== undefined) c.set('caller', caller);
      await Promise.all([
        typeof found === 'function' ? undefined : counter.countAddress(c),
        caller === undefined || access !== 'closed' ? undefined : rates.count('key', caller.keyId, caller.rate),
      ]);
      if (access === 'closed') checkScope(caller ?? unauthenticated(presented), scopeOf(c));
      await next();
    } finally {
      counter.answer(c);
    }
  };
}

/** What is open to everybody is answered without the database, too. */
async function lookUp(find: Exclude<FoundCaller, Caller | undefined>, access: Access): Promise<Caller | undefined> {
  if (access === 'closed') return find();
  return find().catch(() => undefined);
}

/** The key of a request, in `x-api-key` or as a bearer token; known or not. */
function presentedKey(c: Context<ApiEnv>): string | undefined {
  return requestHeader(c, 'x-api-key') ?? bearerToken(requestHeader(c, 'authorization'));
}

function bearerToken(header: string | undefined): string | undefined {
  return header?.match(/^Bearer +(\S+)$/i)?.[1];
}

function checkScope({ scopes }: Caller, scope: Scope | undefined): void {
  if (scope === undefined || scopes.has(scope)) return;
  throw new AppError('insufficient_scope', `This key does not have the scope ${scope}.`);
}

function unauthenticated(presented: string | undefined): never {
  const message =
    presented === undefined
      ? 'Send an API key in the x-api-key header or as a bearer token.'
      : 'This API key is not known.';
  throw new AppError('unauthenticated', message);
}
