import { AppError } from '@memory-layer/shared/errors/app-error';
import type { RecordCache } from '../access/record-cache.ts';
import type { TenantMeter } from './tenant-meter.ts';
import { isMetered, type Tenant, type TenantDirectory } from '../access/tenant.ts';

export interface TenantDirectoryDeps {
  readonly records: Pick<RecordCache<Tenant>, 'peek' | 'get'>;
  readonly meter: Pick<TenantMeter, 'read'>;
  /** `auto`: the first message of a tenant makes it. `registered`: only an administrator does. */
  readonly creation: 'auto' | 'registered';
}

/** Tenants as they were a second and a half ago at most, of a message stored here and some seconds ago elsewhere. */
export function createTenantDirectory({ records, meter, creation }: TenantDirectoryDeps): TenantDirectory {
  async function checkQuotas(tenant: Tenant): Promise<void> {
    if (!isMetered(tenant)) return;
    const { messages, bytes } = await meter.read(tenant);
    const { maxMessages = Infinity, maxBytes = Infinity } = tenant;
    if (messages >= maxMessages) throw quotaExceeded(tenant.tenantId, `${maxMessages} messages`);
    if (bytes >= maxBytes) throw quotaExceeded(tenant.tenantId, `${maxBytes} bytes of messages`);
  }

  return {
    async admit(tenantId, use) {
      const known = records.peek(tenantId);
      const tenant = known === 'unknown' ? await records.get(tenantId) : known;
      if (use === 'read') return tenant;
      if (tenant === undefined) {
        if (use === 'store' && creation === 'registered') throw notRegistered(tenantId);
        return undefined;
      }
      if (tenant.suspendedAt !== undefined) {
        throw new AppError('tenant_suspended', `The tenant ${tenantId} is suspended: it can be read, and not changed.`);
      }
      if (use === 'store') await checkQuotas(tenant);
      return tenant;
    },
  };
}

function notRegistered(tenantId: string): AppError {
  return new AppError('tenant_not_registered', `The tenant ${tenantId} is not registered here.`);
}

/** What was exceeded is said in words: `1000 messages`. */
export function quotaExceeded(tenantId: string, what: string): AppError {
  return new AppError('quota_exceeded', `The tenant ${tenantId} has used up its quota of ${what}.`);
}
