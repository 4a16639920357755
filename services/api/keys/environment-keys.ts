import { hash } from 'node:crypto';
import { decodeCallerId } from '@memory-layer/shared/tenant/caller-id';
import type { Caller } from '../access/caller.ts';
import { allScopes, isScope, scopes as knownScopes, type Scope } from '../access/scopes.ts';

/** A configured key; bound to one tenant, or to none and then good for all. */
export interface ApiKey {
  readonly key: string;
  readonly tenantId: string | undefined;
  /** What it may do; everything when undefined. */
  readonly scopes?: ReadonlySet<Scope>;
}

const minKeyLength = 16;
const keyPattern = /^[\x21-\x39\x3b-\x7e]+$/;

type ParsedKeys =
  | { readonly ok: true; readonly keys: readonly ApiKey[] }
  | { readonly ok: false; readonly problem: string };

/**
 * Reads `key`, `key:tenant`, `key:tenant:scope+scope` or `key::scope+scope` entries, tenants percent-encoded. The problem
 * names the position of the entry, not the key.
 */
export function parseApiKeys(items: readonly string[]): ParsedKeys {
  const keys: ApiKey[] = [];
  for (const [index, item] of items.entries()) {
    const [key = '', encodedTenant = '', ...rest] = item.split(':');
    const tenantId = decodeCallerId(encodedTenant);
    // Scopes have colons of their own.
    const scopes = rest.length === 0 ? undefined : rest.join(':').split('+');
    const problem = keyProblem(key) ?? tenantProblem(item, tenantId) ?? scopesProblem(scopes);
    if (problem !== undefined) return { ok: false, problem: `entry ${index + 1} ${problem}` };
    keys.push({ key, tenantId, ...(scopes && { scopes: new Set(scopes.filter(isScope)) }) });
  }
  return { ok: true, keys };
}

function keyProblem(key: string): string | undefined {
  if (key.length < minKeyLength) return `needs a key of at least ${minKeyLength} characters`;
  if (!keyPattern.test(key)) return 'has a key with characters other than printable ASCII without spaces';
  return undefined;
}

/** Without a tenant an entry is `key` or `key::scopes`. */
function tenantProblem(item: string, tenantId: string | undefined): string | undefined {
  if (tenantId !== undefined || /^[^:]*(?:::.|$)/.test(item)) return undefined;
  return 'names a tenant that is not a valid tenant id, percent-encoded';
}

function scopesProblem(scopes: readonly string[] | undefined): string | undefined {
  if (scopes === undefined || scopes.every(isScope)) return undefined;
  return `names a scope that is none: key:tenant:scope+scope, of ${knownScopes.join(', ')}`;
}

export type KeyRing = ReturnType<typeof createKeyRing>;

/** Finds the caller of a presented key. Keys are looked up by their hash, so timing reveals nothing. */
export function createKeyRing(keys: readonly ApiKey[]) {
  const byHash = new Map(
    keys.map(({ key, tenantId, scopes = allScopes }, index) => {
      const hashed = hashKey(key);
      const caller: Caller = {
        keyId: hashed.slice(0, 12),
        keyName: `environment key ${index + 1}`,
        tenants: tenantId === undefined ? 'all' : [tenantId],
        scopes,
        source: 'environment',
      };
      return [hashed, caller] as const;
    }),
  );
  return {
    find: (presented: string): Caller | undefined => byHash.get(hashKey(presented)),
  };
}

function hashKey(key: string): string {
  return hash('sha256', key, 'hex');
}
