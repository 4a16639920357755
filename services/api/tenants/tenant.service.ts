import type { AuditOrigin } from '@memory-layer/shared/audit/audit-event';
import { AppError } from '@memory-layer/shared/errors/app-error';
import type { ChangeWatch } from '../access/change-watch.ts';
import { isOfTenant, type Caller } from '../access/caller.ts';
import type { TenantRepository } from './tenant.repository.ts';
import type { Tenant, TenantCount, TenantQuotas } from '../access/tenant.ts';

export interface TenantServiceDeps {
  readonly tenants: TenantRepository;
  readonly watch: Pick<ChangeWatch, 'changed'>;
}

export interface TenantListRequest {
  readonly after: string | undefined;
  readonly limit: number;
  readonly signal: AbortSignal;
}

type Audit = AuditOrigin | undefined;

export type TenantService = ReturnType<typeof createTenantService>;

// Some ten milliseconds of counting.
const maxCounted = 10_000;

/** Tenants, for those who administer them. What limits a tenant is for keys of all tenants alone. */
export function createTenantService({ tenants, watch }: TenantServiceDeps) {
  async function change(caller: Caller, made: () => Promise<Tenant | undefined>): Promise<Tenant> {
    checkIsOfAll(caller);
    const tenant = await made();
    watch.changed();
    return tenant ?? notFound();
  }

  return {
    /** @throws AppError `conflict` when there is one already. */
    async create(caller: Caller, tenantId: string, quotas: TenantQuotas, audit: Audit): Promise<Tenant> {
      checkIsOfAll(caller);
      const tenant = await tenants.insert(tenantId, quotas, audit);
      watch.changed();
      if (tenant === undefined) throw new AppError('conflict', 'There is such a tenant already.');
      return tenant;
    },

    /** A page, in the order of their ids: of a key that is bound, its own. */
    async list(caller: Caller, { after, limit, signal }: TenantListRequest) {
      const rows = await tenants.list({ tenants: caller.tenants, after, limit: limit + 1, signal });
      const items: readonly Tenant[] = rows.slice(0, limit);
      return { items, nextCursor: rows.length > limit ? items.at(-1)?.tenantId : undefined };
    },

    async getWithCount(caller: Caller, tenantId: string, signal: AbortSignal): Promise<[Tenant, TenantCount]> {
      const tenant = isOfTenant(caller, tenantId) ? await tenants.findById(tenantId, signal) : undefined;
      if (tenant === undefined) return notFound();
      return [tenant, await tenants.count(tenantId, maxCounted, signal)];
    },

    setQuotas: (caller: Caller, tenantId: string, quotas: TenantQuotas, audit: Audit): Promise<Tenant> =>
      change(caller, () => tenants.setQuotas(tenantId, quotas, audit)),

    suspend: (caller: Caller, tenantId: string, audit: Audit): Promise<Tenant> =>
      change(caller, () => tenants.setSuspended(tenantId, true, audit)),

    resume: (caller: Caller, tenantId: string, audit: Audit): Promise<Tenant> =>
      change(caller, () => tenants.setSuspended(tenantId, false, audit)),
  };
}

function checkIsOfAll({ tenants }: Caller): void {
  if (tenants === 'all') return;
  throw new AppError('forbidden', 'This key is bound to tenants: only one of all tenants may change what a tenant is.');
}

function notFound(): never {
  throw new AppError('not_found', 'There is no such tenant.');
}
