import type { AuditOrigin } from '@memory-layer/shared/audit/audit-event';
import { AppError } from '@memory-layer/shared/errors/app-error';
import type { ChangeWatch } from '../access/change-watch.ts';
import type { Rate } from '../rate-limit/rate.ts';
import { quotaExceeded } from '../tenants/tenant-directory.ts';
import type { ManagedKey } from './api-key.ts';
import type { ApiKeyRepository } from './api-key.repository.ts';
import { isOfTenant, type Caller } from '../access/caller.ts';
import { hashSecret, makeKey } from './key-format.ts';
import type { Scope } from '../access/scopes.ts';

export interface ApiKeyServiceDeps {
  readonly keys: ApiKeyRepository;
  readonly watch: Pick<ChangeWatch, 'changed'>;
}

export interface KeyRequest extends Pick<Caller, 'tenants'> {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly rate: Rate | undefined;
  readonly expiresAt: Date | undefined;
}

/** A key with its text, which nobody can be shown again. */
export interface ShownKey {
  readonly key: ManagedKey;
  readonly text: string;
}

export interface KeyListRequest {
  readonly after: string | undefined;
  readonly limit: number;
  readonly signal: AbortSignal;
}

export type ApiKeyService = ReturnType<typeof createApiKeyService>;

/**
 * Keys of the database. A caller sees the keys of its own tenants alone, and gives, rotates and revokes none that may do
 * more than itself: what a key can do never grows.
 */
export function createApiKeyService({ keys, watch }: ApiKeyServiceDeps) {
  async function getById(caller: Caller, keyId: string, signal?: AbortSignal): Promise<ManagedKey> {
    const key = await keys.findById(caller.tenants, keyId, signal);
    if (key === undefined) throw new AppError('not_found', 'There is no such key.');
    return key;
  }

  async function getForChange(caller: Caller, keyId: string): Promise<ManagedKey> {
    const key = await getById(caller, keyId);
    checkScopes(caller, key.scopes);
    return key;
  }

  return {
    /** @throws AppError `forbidden` when the caller does not have a tenant or a scope itself, `quota_exceeded`. */
    async create(caller: Caller, request: KeyRequest, audit: AuditOrigin | undefined): Promise<ShownKey> {
      checkTenants(caller, request.tenants);
      checkScopes(caller, request.scopes);
      const { keyId, secret, text } = makeKey();
      const made = { ...request, keyId, secretHash: hashSecret(secret), createdBy: caller.keyId };
      const key = await keys.insert(made, audit);
      if ('maxKeys' in key) throw quotaExceeded(key.tenantId, `${key.maxKeys} keys`);
      return { key, text };
    },

    /** A page, the newest first. */
    async list({ tenants }: Caller, { after, limit, signal }: KeyListRequest) {
      const rows = await keys.list({ tenants, after, limit: limit + 1, signal });
      const items: readonly ManagedKey[] = rows.slice(0, limit);
      return { items, nextCursor: rows.length > limit ? items.at(-1)?.keyId : undefined };
    },

    getById,

    /** @throws AppError `conflict` when the key is revoked or expired. */
    async rotate(
      caller: Caller,
      keyId: string,
      overlapSeconds: number,
      audit: AuditOrigin | undefined,
    ): Promise<ShownKey> {
      const known = await getForChange(caller, keyId);
      const { secret, text } = makeKey(keyId);
      const key = await keys.rotate(keyId, { secretHash: hashSecret(secret), overlapSeconds }, audit);
      watch.changed();
      if (key !== undefined) return { key, text };
      const what = known.revokedAt === undefined ? 'expired' : 'revoked';
      throw new AppError('conflict', `This key is ${what}: create another one.`);
    },

    /** Revoking twice is revoking once. */
    async revoke(caller: Caller, keyId: string, audit: AuditOrigin | undefined): Promise<ManagedKey> {
      const known = await getForChange(caller, keyId);
      const key = await keys.revoke(keyId, audit);
      watch.changed();
      return key ?? known;
    },
  };
}

function checkTenants(caller: Caller, tenants: Caller['tenants']): void {
  if (tenants === 'all') {
    if (caller.tenants === 'all') return;
    throw forbidden('/tenant_ids', 'must name tenants of this key: it is not of all');
  }
  const other = tenants.findIndex((tenantId) => !isOfTenant(caller, tenantId));
  if (other !== -1) throw forbidden(`/tenant_ids/${other}`, 'is not a tenant of this key');
}

function checkScopes(caller: Caller, scopes: readonly Scope[]): void {
  const missing = scopes.find((scope) => !caller.scopes.has(scope));
  if (missing === undefined) return;
  throw new AppError('forbidden', `This key does not have the scope ${missing}, so it can neither give nor change it.`);
}

function forbidden(pointer: string, detail: string): AppError {
  return new AppError('forbidden', `${pointer} ${detail}.`, { errors: [{ in: 'body', pointer, detail }] });
}
