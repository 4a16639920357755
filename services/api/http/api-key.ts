import { hash } from 'node:crypto';
import { tenantIdPattern } from '@memory-layer/shared/tenant/tenant-id';

/** A configured key; bound to one tenant, or to none and then good for all. */
export interface ApiKey {
  readonly key: string;
  readonly tenantId: string | undefined;
}

/** Whom a request speaks for. Holds no secret. */
export interface Credential {
  /** First characters of the key's hash: tells keys apart in logs. */
  readonly keyId: string;
  readonly tenantId: string | undefined;
}

const minKeyLength = 16;
const keyPattern = /^[\x21-\x39\x3b-\x7e]+$/;

type ParsedKeys =
  | { readonly ok: true; readonly keys: readonly ApiKey[] }
  | { readonly ok: false; readonly problem: string };

/** Reads `key` or `key:tenant` entries. The problem names the position of the entry, not the key. */
export function parseApiKeys(items: readonly string[]): ParsedKeys {
  const keys: ApiKey[] = [];
  for (const [index, item] of items.entries()) {
    const [key = '', tenantId, ...rest] = item.split(':');
    const problem = keyProblem(key, tenantId, rest.length);
    if (problem !== undefined) return { ok: false, problem: `entry ${index + 1} ${problem}` };
    keys.push({ key, tenantId });
  }
  return { ok: true, keys };
}

function keyProblem(key: string, tenantId: string | undefined, surplus: number): string | undefined {
  if (surplus > 0) return 'must be `key` or `key:tenant`';
  if (key.length < minKeyLength) return `needs a key of at least ${minKeyLength} characters`;
  if (!keyPattern.test(key)) return 'has a key with characters other than printable ASCII without spaces';
  if (tenantId !== undefined && !tenantIdPattern.test(tenantId)) return 'names a tenant that is not a valid tenant id';
  return undefined;
}

export type KeyRing = ReturnType<typeof createKeyRing>;

/** Finds the credential of a presented key. Keys are looked up by their hash, so timing tells nothing. */
export function createKeyRing(keys: readonly ApiKey[]) {
  const byHash = new Map(
    keys.map(({ key, tenantId }) => {
      const hashed = hashKey(key);
      return [hashed, { keyId: hashed.slice(0, 12), tenantId } satisfies Credential] as const;
    }),
  );
  return {
    authenticate: (presented: string): Credential | undefined => byHash.get(hashKey(presented)),
  };
}

function hashKey(key: string): string {
  return hash('sha256', key, 'hex');
}
