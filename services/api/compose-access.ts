import { randomUUID } from 'node:crypto';
import type { Database } from '@memory-layer/shared/db/database';
import type { Logger } from '@memory-layer/shared/observability/logger';
import { LimitedTenants } from './tenants/limited-tenants.ts';
import { createTenantDirectory } from './tenants/tenant-directory.ts';
import { TenantMeter } from './tenants/tenant-meter.ts';
import { createTenantUsageRepository } from './tenants/tenant-usage.repository.ts';
import { createTenantRepository } from './tenants/tenant.repository.ts';
import { createTenantService } from './tenants/tenant.service.ts';
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
  /** Whether no other process has this database. */
  readonly isOnlyProcess: boolean;
}

/** Who may call, and what is remembered of it. */
export function composeAccess(
  { apiKeys, tenantCreation }: Pick<ApiConfig, 'apiKeys' | 'tenantCreation'>,
  { database, logger, extraKeys, isOnlyProcess }: AccessResources,
) {
  const db = database.queries;
  const watch = new ChangeWatch({
    readVersion: () => createAccessChangeRepository(db).readVersion(),
    onError: (error) => logger.warn({ err: error }, 'changes of keys and tenants are not seen'),
    isAlone: isOnlyProcess,
  });
  const keys = createApiKeyRepository(db);
  const records = new RecordCache<KeyRecord>({ what: 'keys', watch, load: (keyIds) => keys.loadRecords(keyIds) });
  const tenants = createTenantRepository(db);
  const meter = new TenantMeter({ usage: createTenantUsageRepository(db, randomUUID()), logger });
  const registered = new RecordCache({ what: 'tenants', watch, load: (ids) => tenants.loadMany(ids) });
  const limited = new LimitedTenants({ watch, list: (limit) => tenants.listLimited(limit), records: registered });
  const uses = createKeyUses({ keys, logger });
  return {
    callers: createCallerDirectory({
      environment: createKeyRing([...apiKeys, ...extraKeys]),
      records,
      onUse: (keyId) => uses.note(keyId),
    }),
    apiKeys: createApiKeyService({ keys, watch }),
    tenants: createTenantDirectory({
      records: tenantCreation === 'auto' ? limited : registered,
      meter,
      creation: tenantCreation,
    }),
    tenantService: createTenantService({ tenants, watch }),
    meter,
    /** The first requests need not wait. */
    async start(): Promise<void> {
      await limited.get('');
      await Promise.all([uses.start(), meter.start()]);
    },
    async stop(): Promise<void> {
      await Promise.all([uses.stop(), meter.stop()]);
    },
  };
}
