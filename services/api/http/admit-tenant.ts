import type { FieldError } from '@memory-layer/shared/errors/app-error';
import type { ApiEnv } from './api-env.ts';
import { resolveTenant } from './resolve-tenant.ts';

interface TenantContext {
  get<Name extends 'credential' | 'countTenant'>(name: Name): ApiEnv['Variables'][Name];
}

/**
 * The tenant a request is for, counted against that tenant's rate.
 *
 * @throws AppError as `resolveTenant`, and `rate_limited`.
 */
export async function admitTenant(
  c: TenantContext,
  requested: string | undefined,
  where: Pick<FieldError, 'in' | 'pointer'>,
): Promise<string> {
  const tenantId = resolveTenant(c.get('credential'), requested, where);
  await c.get('countTenant')(tenantId);
  return tenantId;
}
