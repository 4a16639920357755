import type { Database } from '@memory-layer/shared/db/database';
import type { Logger } from '@memory-layer/shared/observability/logger';
import { createAccessChangeRepository } from './access/access-change.repository.ts';
import { ChangeWatch } from './access/change-watch.ts';
import { RecordCache } from './access/record-cache.ts';
import type { ApiConfig } from './config.ts';
import type { KeyRecord } from './keys/api-key.ts';
import { createApiKeyRepository } from './keys/api-key.repository.ts';
import { createApiKeyService } from './keys/api-key.service.ts';
import { createCallerDirectory } from './keys/database-keys.ts';
import { createKeyRing, type ApiKey } from './keys/environment-keys.ts';
import { createKeyUses } from './keys/key-uses.ts';

export interface AccessResources {
  readonly database: Database;
  readonly logger: Logger;
  readonly extraKeys: readonly ApiKey[];
}

/** Who may call, and what is remembered of it. */
export function composeAccess(
  { apiKeys }: Pick<ApiConfig, 'apiKeys'>,
  { database, logger, extraKeys }: AccessResources,
) {
  const db = database.queries;
  const watch = new ChangeWatch({
    readVersion: () => createAccessChangeRepository(db).readVersion(),
    onError: (error) => logger.warn({ err: error }, 'changes of keys and tenants are not seen'),
  });
  const keys = createApiKeyRepository(db);
  const records = new RecordCache<KeyRecord>({ what: 'keys', watch, load: (keyIds) => keys.loadRecords(keyIds) });
  const uses = createKeyUses({ keys, logger });
  return {
    callers: createCallerDirectory({
      environment: createKeyRing([...apiKeys, ...extraKeys]),
      records,
      onUse: (keyId) => uses.note(keyId),
    }),
    apiKeys: createApiKeyService({ keys, watch }),
    start: () => uses.start(),
    stop: () => uses.stop(),
  };
}
