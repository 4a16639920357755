import { AppError, type FieldError } from '@memory-layer/shared/errors/app-error';
import { isQueryCanceled } from '@memory-layer/shared/db/cancel/pooled-dialect';
import { isOfTenant, soleTenantOf, type Caller } from '../access/caller.ts';
import type { Tenant, TenantUse } from '../access/tenant.ts';
import type { ApiEnv } from './api-env.ts';
import { nothingStored } from './errors.ts';

type Where = Pick<FieldError, 'in' | 'pointer'>;

interface TenantContext {
  get<Name extends 'caller' | 'rates' | 'tenants'>(name: Name): ApiEnv['Variables'][Name];
}

/**
 * The tenant a request is for, which may do what the request asks for; counted against that tenant's rate.
 *
 * @throws AppError as `resolveTenant` and `TenantDirectory.admit`, and `rate_limited`.
 */
export async function admitTenant(
  c: TenantContext,
  requested: string | undefined,
  where: Where,
  use: TenantUse = 'read',
): Promise<string> {
  const tenantId = resolveTenant(c.get('caller'), requested, where);
  await admitOne(c, tenantId, use);
  return tenantId;
}

/**
 * Lets a request in that stores messages of these tenants, and counts it against the rates of all of them.
 *
 * @throws AppError as `TenantDirectory.admit`, and `rate_limited`.
 */
export async function admitTenants(c: TenantContext, tenantIds: Iterable<string>): Promise<void> {
  for (const tenantId of tenantIds) await admitOne(c, tenantId, 'store');
}

async function admitOne(c: TenantContext, tenantId: string, use: TenantUse): Promise<void> {
  const tenant = await lookUp(c, tenantId, use);
  await c.get('rates').count('tenant', tenantId, tenant?.rate);
}

/** What keeps a tenant from being looked up is told as what keeps its messages from being read or stored. */
async function lookUp(c: TenantContext, tenantId: string, use: TenantUse): Promise<Tenant | undefined> {
  try {
    return await c.get('tenants').admit(tenantId, use);
  } catch (error) {
    if (error instanceof AppError) throw error;
    if (use === 'store') throw nothingStored('the tenant could not be looked up', error);
    if (isQueryCanceled(error)) throw new AppError('deadline_exceeded', 'the database took too long', { cause: error });
    throw error;
  }
}

/**
 * The tenant a request is for. A key of one tenant may leave `tenant_id` out; one that is given must be of the key.
 *
 * @throws AppError `forbidden` when it is not, `invalid_request` when a key of several tenants gives none.
 */
export function resolveTenant(caller: Pick<Caller, 'tenants'>, requested: string | undefined, where: Where): string {
  if (requested === undefined) {
    const only = soleTenantOf(caller);
    if (only !== undefined) return only;
    const detail = `is required: this key is ${caller.tenants === 'all' ? 'not bound to a tenant' : 'of several tenants'}`;
    throw new AppError('invalid_request', `tenant_id ${detail}.`, { errors: [{ ...where, detail }] });
  }
  if (isOfTenant(caller, requested)) return requested;
  const detail = `is not ${soleTenantOf(caller) === undefined ? 'a' : 'the'} tenant of this key`;
  throw new AppError('forbidden', `tenant_id ${detail}.`, { errors: [{ ...where, detail }] });
}
