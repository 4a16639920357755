import { hash } from 'node:crypto';
import { AppError } from '@memory-layer/shared/errors/app-error';
import { decodeCallerId } from '@memory-layer/shared/tenant/caller-id';
import type { Context, MiddlewareHandler } from 'hono';
import type { BodyMemory } from '../cost/body-memory.ts';
import type { Caller } from '../keys/caller.ts';
import { allScopes } from '../keys/scopes.ts';
import type { ApiEnv } from './api-env.ts';
import { requestHeader } from './node-headers.ts';
import type { RequestCounter } from './request-counter.ts';

/** A configured key; bound to one tenant, or to none and then good for all. */
export interface ApiKey {
  readonly key: string;
  readonly tenantId: string | undefined;
}

const minKeyLength = 16;
const keyPattern = /^[\x21-\x39\x3b-\x7e]+$/;

type ParsedKeys =
  | { readonly ok: true; readonly keys: readonly ApiKey[] }
  | { readonly ok: false; readonly problem: string };

/** Reads `key` or `key:tenant` entries, tenants percent-encoded. The problem names the position of the entry, not the key. */
export function parseApiKeys(items: readonly string[]): ParsedKeys {
  const keys: ApiKey[] = [];
  for (const [index, item] of items.entries()) {
    const [key = '', encodedTenant, ...rest] = item.split(':');
    const tenantId = encodedTenant === undefined ? undefined : decodeCallerId(encodedTenant);
    const isBadTenant = encodedTenant !== undefined && tenantId === undefined;
    const problem = keyProblem(key, isBadTenant, rest.length);
    if (problem !== undefined) return { ok: false, problem: `entry ${index + 1} ${problem}` };
    keys.push({ key, tenantId });
  }
  return { ok: true, keys };
}

function keyProblem(key: string, isBadTenant: boolean, surplus: number): string | undefined {
  if (surplus > 0) return 'must be `key` or `key:tenant`, the tenant percent-encoded';
  if (key.length < minKeyLength) return `needs a key of at least ${minKeyLength} characters`;
  if (!keyPattern.test(key)) return 'has a key with characters other than printable ASCII without spaces';
  if (isBadTenant) return 'names a tenant that is not a valid tenant id, percent-encoded';
  return undefined;
}

export type KeyRing = ReturnType<typeof createKeyRing>;

/** Finds the caller of a presented key. Keys are looked up by their hash, so timing reveals nothing. */
export function createKeyRing(keys: readonly ApiKey[]) {
  const byHash = new Map(
    keys.map(({ key, tenantId }, index) => {
      const hashed = hashKey(key);
      const caller: Caller = {
        keyId: hashed.slice(0, 12),
        keyName: `environment key ${index + 1}`,
        tenants: tenantId === undefined ? 'all' : [tenantId],
        scopes: allScopes,
        source: 'environment',
      };
      return [hashed, caller] as const;
    }),
  );
  return {
    authenticate: (presented: string): Caller | undefined => byHash.get(hashKey(presented)),
  };
}

function hashKey(key: string): string {
  return hash('sha256', key, 'hex');
}

/**
 * Who may call a path. `open`: everybody. `recognised`: everybody, and a known key is recognised. `closed`: only with a
 * known key. `probe`: everybody, and requests from this machine are not counted.
 */
export type Access = 'probe' | 'open' | 'recognised' | 'closed';

export interface AdmitCallerDeps {
  readonly keys: KeyRing;
  readonly counter: RequestCounter;
  readonly bodyMemory: Pick<BodyMemory, 'open'>;
  readonly accessTo: (path: string) => Access;
}

/**
 * Admits a request to a closed path only with a known key, within the rates of its address and of its key. An address
 * that has used up its rate does not learn whether a key is known, so that keys cannot be guessed fast.
 */
export function admitCaller({ keys, counter, bodyMemory, accessTo }: AdmitCallerDeps): MiddlewareHandler<ApiEnv> {
  return async function admit(c, next) {
    const access = accessTo(c.req.path);
    if (access === 'probe' && counter.isLocal(c)) return next();
    const presented = access === 'closed' || access === 'recognised' ? presentedKey(c) : undefined;
    const caller = presented === undefined ? undefined : keys.authenticate(presented);
    if (caller !== undefined) c.set('caller', caller);
    c.set('bodyMemory', bodyMemory);
    const rates = counter.begin(c);
    try {
      const keyCounted = caller === undefined || access !== 'closed' ? undefined : rates.count('key', caller.keyId);
      await Promise.all([counter.countAddress(c), keyCounted]);
      if (caller === undefined && access === 'closed') throw unauthenticated(presented);
      await next();
    } finally {
      counter.answer(c);
    }
  };
}

/** The key of a request, in `x-api-key` or as a bearer token; known or not. */
function presentedKey(c: Context<ApiEnv>): string | undefined {
  return requestHeader(c, 'x-api-key') ?? bearerToken(requestHeader(c, 'authorization'));
}

function bearerToken(header: string | undefined): string | undefined {
  return header?.match(/^Bearer +(\S+)$/i)?.[1];
}

function unauthenticated(presented: string | undefined): AppError {
  const message =
    presented === undefined
      ? 'Send an API key in the x-api-key header or as a bearer token.'
      : 'This API key is not known.';
  return new AppError('unauthenticated', message);
}
