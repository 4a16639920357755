import { timingSafeEqual } from 'node:crypto';
import type { RecordCache } from '../access/record-cache.ts';
import type { Caller, CallerDirectory } from '../access/caller.ts';
import type { KeyRecord } from './api-key.ts';
import type { KeyRing } from './environment-keys.ts';
import { hashSecret, parseKey, type KeyText } from './key-format.ts';

export interface CallerDirectoryDeps {
  readonly environment: KeyRing;
  readonly records: Pick<RecordCache<KeyRecord>, 'peek' | 'get' | 'getAnew'>;
  readonly onUse: (keyId: string) => void;
}

/** Keys of the environment, and then those of the database: remembered, and as good as a second and a half ago. */
export function createCallerDirectory({ environment, records, onUse }: CallerDirectoryDeps): CallerDirectory {
  function admit({ keyId, secret }: KeyText, record: KeyRecord | undefined): Caller | undefined {
    if (record === undefined || !matches(secret, record)) return undefined;
    onUse(keyId);
    return record.caller;
  }

  async function lookUp(key: KeyText): Promise<Caller | undefined> {
    const record = await records.get(key.keyId);
    // With another secret it may have been rotated a moment ago, in another process.
    return record && (admit(key, record) ?? admit(key, await records.getAnew(key.keyId)));
  }

  return {
    find(presented) {
      const configured = environment.find(presented);
      if (configured !== undefined) return configured;
      const key = parseKey(presented);
      if (key === undefined) return undefined;
      const record = records.peek(key.keyId);
      if (record === undefined) return undefined;
      return (record === 'unknown' ? undefined : admit(key, record)) ?? (() => lookUp(key));
    },
  };
}

function matches(secret: string, { secrets }: KeyRecord): boolean {
  const hashed = hashSecret(secret);
  const now = performance.now();
  return secrets.some(({ hash, goodUntilMs }) => goodUntilMs > now && timingSafeEqual(hash, hashed));
}
