import { AppError, type FieldError } from '@memory-layer/shared/errors/app-error';
import type { ApiEnv, Credential } from './api-env.ts';

type Where = Pick<FieldError, 'in' | 'pointer'>;

interface TenantContext {
  get<Name extends 'credential' | 'rates'>(name: Name): ApiEnv['Variables'][Name];
}

/**
 * The tenant a request is for, counted against that tenant's rate.
 *
 * @throws AppError as `resolveTenant`, and `rate_limited`.
 */
export async function admitTenant(c: TenantContext, requested: string | undefined, where: Where): Promise<string> {
  const tenantId = resolveTenant(c.get('credential'), requested, where);
  await countTenants(c, [tenantId]);
  return tenantId;
}

/** Counts a request against the rates of all tenants that it is for. @throws AppError `rate_limited` */
export async function countTenants(c: TenantContext, tenantIds: Iterable<string>): Promise<void> {
  for (const tenantId of tenantIds) await c.get('rates').count('tenant', tenantId);
}

/**
 * The tenant a request is for. A bound key may leave `tenant_id` out; one that is given must agree.
 *
 * @throws AppError `forbidden` when it does not agree, `invalid_request` when an unbound key gives none.
 */
export function resolveTenant(credential: Credential, requested: string | undefined, where: Where): string {
  if (credential.tenantId === undefined) {
    if (requested !== undefined) return requested;
    const detail = 'is required: this key is not bound to a tenant';
    throw new AppError('invalid_request', `tenant_id ${detail}.`, { errors: [{ ...where, detail }] });
  }
  if (requested !== undefined && requested !== credential.tenantId) {
    const detail = 'is not the tenant of this key';
    throw new AppError('forbidden', `tenant_id ${detail}.`, { errors: [{ ...where, detail }] });
  }
  return credential.tenantId;
}
