import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi';
import type { MiddlewareHandler } from 'hono';
import { costOfListing, costOfRead } from '../cost/request-cost.ts';
import type { AuditOriginOf } from '../audit/request-audit.ts';
import type { ApiEnv } from '../http/api-env.ts';
import { body, bodyErrors, commonErrors, json, needsScope, problems } from '../http/openapi.ts';
import { withCallerSlot, type ReadLimiter } from '../http/tenant-slot.ts';
import { invalidRequest, validationHook } from '../http/validation-hook.ts';
import type { ManagedKey } from './api-key.ts';
import {
  keyCreateExamples,
  keyCreateSchema,
  keyIdSchema,
  keyListQuerySchema,
  keyPageSchema,
  keyRotateExamples,
  keyRotateSchema,
  keySchema,
  shownKeySchema,
} from './api-key.schemas.ts';
import type { ApiKeyService, ShownKey } from './api-key.service.ts';
import { soleTenantOf, type Caller } from '../access/caller.ts';

const common = { tags: ['keys'], ...needsScope('admin') };
const byId = { params: z.strictObject({ key_id: keyIdSchema }) };

export interface ApiKeyRoutesDeps {
  readonly service: ApiKeyService;
  readonly limiter: ReadLimiter;
  readonly readBody: MiddlewareHandler<ApiEnv>;
  readonly auditOriginOf: AuditOriginOf;
}

/** Keys: make, list, read, rotate, revoke. */
export function apiKeyRoutes({ service, limiter, readBody, auditOriginOf }: ApiKeyRoutesDeps) {
  const create = createRoute({
    ...common,
    method: 'post',
    path: '/v1/admin/keys',
    operationId: 'createKey',
    summary: 'Create a key',
    description: 'A key gives tenants and scopes that it has itself, and no others.',
    middleware: [readBody] as const,
    request: { body: body(keyCreateSchema, keyCreateExamples) },
    responses: {
      201: json(shownKeySchema, 'The key, with its text: keep it, it is not shown again.'),
      ...problems(...bodyErrors, ...commonErrors),
    },
  });

  const list = createRoute({
    ...common,
    method: 'get',
    path: '/v1/admin/keys',
    operationId: 'listKeys',
    summary: 'List keys',
    description:
      'The newest first; revoked and expired ones, too. A key that is bound to tenants sees the keys of these alone.',
    request: { query: keyListQuerySchema },
    responses: { 200: json(keyPageSchema, 'A page of them.'), ...problems(...commonErrors) },
  });

  const get = createRoute({
    ...common,
    method: 'get',
    path: '/v1/admin/keys/{key_id}',
    operationId: 'getKey',
    summary: 'Read what a key may do, and when it was used',
    request: byId,
    responses: { 200: json(keySchema, 'The key, without its text.'), ...problems(...commonErrors, 'not_found') },
  });

  const rotate = createRoute({
    ...common,
    method: 'post',
    path: '/v1/admin/keys/{key_id}/rotate',
    operationId: 'rotateKey',
    summary: 'Give a key another secret',
    description:
      'The key keeps its id and what it may do. Its secret of now stays good for overlap_seconds, any older one for no ' +
      'longer. Every process knows within two seconds.',
    middleware: [readBody] as const,
    request: { ...byId, body: body(keyRotateSchema, keyRotateExamples) },
    responses: {
      200: json(shownKeySchema, 'The key, with its new text: keep it, it is not shown again.'),
      ...problems(...bodyErrors, ...commonErrors, 'not_found', 'conflict'),
    },
  });

  const revoke = createRoute({
    ...common,
    method: 'post',
    path: '/v1/admin/keys/{key_id}/revoke',
    operationId: 'revokeKey',
    summary: 'Revoke a key',
    description: 'For good, and in every process within two seconds. Revoking twice is revoking once.',
    request: byId,
    responses: { 200: json(keySchema, 'The key, revoked.'), ...problems(...commonErrors, 'not_found') },
  });

  return new OpenAPIHono<ApiEnv>({ defaultHook: validationHook })
    .openapi(create, (c) =>
      withCallerSlot(c, { limiter, cost: costOfRead }, async (caller) => {
        const { name, tenant_ids, scopes, expires_at, rate_limit } = c.req.valid('json');
        const expiresAt = expires_at === undefined ? undefined : new Date(expires_at);
        if (expiresAt !== undefined && expiresAt.getTime() <= Date.now()) throw invalid('/expires_at', 'has passed');
        const rate = rate_limit && { requests: rate_limit.requests, windowSeconds: rate_limit.window_seconds };
        const tenants = tenantsOf(caller, tenant_ids);
        const request = { name, tenants, scopes, rate, expiresAt };
        return c.json(toShownBody(await service.create(caller, request, auditOriginOf(c))), 201);
      }),
    )
    .openapi(list, (c) => {
      const { limit, cursor } = c.req.valid('query');
      return withCallerSlot(c, { limiter, cost: costOfListing({ limit }) }, async (caller) => {
        const page = await service.list(caller, { limit, after: cursor, signal: c.get('signal')() });
        return c.json({ items: page.items.map(toBody), next_cursor: page.nextCursor ?? null }, 200);
      });
    })
    .openapi(get, (c) =>
      withCallerSlot(c, { limiter, cost: costOfRead }, async (caller) =>
        c.json(toBody(await service.getById(caller, c.req.valid('param').key_id, c.get('signal')())), 200),
      ),
    )
    .openapi(rotate, (c) =>
      withCallerSlot(c, { limiter, cost: costOfRead }, async (caller) => {
        const { overlap_seconds } = c.req.valid('json');
        const { key_id } = c.req.valid('param');
        return c.json(toShownBody(await service.rotate(caller, key_id, overlap_seconds, auditOriginOf(c))), 200);
      }),
    )
    .openapi(revoke, (c) =>
      withCallerSlot(c, { limiter, cost: costOfRead }, async (caller) =>
        c.json(toBody(await service.revoke(caller, c.req.valid('param').key_id, auditOriginOf(c))), 200),
      ),
    );
}

function tenantsOf(caller: Caller, tenantIds: readonly string[] | null | undefined): Caller['tenants'] {
  if (tenantIds !== undefined) return tenantIds ?? 'all';
  const own = soleTenantOf(caller);
  if (own === undefined) throw invalid('/tenant_ids', 'is required: null for all tenants');
  return [own];
}

function invalid(pointer: string, detail: string) {
  return invalidRequest([{ in: 'body', pointer, detail }]);
}

function toBody(key: ManagedKey) {
  return {
    key_id: key.keyId,
    name: key.name,
    tenant_ids: key.tenants === 'all' ? null : [...key.tenants],
    scopes: [...key.scopes],
    rate_limit: key.rate === undefined ? null : { requests: key.rate.requests, window_seconds: key.rate.windowSeconds },
    status: key.status,
    created_at: key.createdAt.toISOString(),
    created_by: key.createdBy,
    expires_at: time(key.expiresAt),
    revoked_at: time(key.revokedAt),
    rotated_at: time(key.rotatedAt),
    previous_valid_until: time(key.previousValidUntil),
    last_used_at: time(key.lastUsedAt),
  };
}

const time = (at: Date | undefined): string | null => at?.toISOString() ?? null;

function toShownBody({ key, text }: ShownKey) {
  return { ...toBody(key), key: text };
}
