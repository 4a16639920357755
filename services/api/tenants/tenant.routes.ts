import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi';
import type { MiddlewareHandler } from 'hono';
import type { AuditOriginOf } from '../audit/request-audit.ts';
import { costOfListing, costOfRead } from '../cost/request-cost.ts';
import type { ApiEnv } from '../http/api-env.ts';
import { tenantIdSchema } from '../http/field.schemas.ts';
import { body, bodyErrors, commonErrors, json, needsScope, problems } from '../http/openapi.ts';
import { withCallerSlot, type ReadLimiter } from '../http/tenant-slot.ts';
import { validationHook } from '../http/validation-hook.ts';
import { noQuotas, type Tenant, type TenantQuotas } from '../access/tenant.ts';
import {
  countedTenantSchema,
  quotasExamples,
  quotasSchema,
  tenantCreateExamples,
  tenantCreateSchema,
  tenantListQuerySchema,
  tenantPageSchema,
  tenantSchema,
} from './tenant.schemas.ts';
import type { TenantService } from './tenant.service.ts';

const path = '/v1/admin/tenants/{tenant_id}';
const common = { tags: ['tenants'], ...needsScope('admin') };
const byId = { params: z.strictObject({ tenant_id: tenantIdSchema }) };
const forAllTenants = 'For keys of all tenants. Every process knows within two seconds.';

export interface TenantRoutesDeps {
  readonly service: TenantService;
  readonly limiter: ReadLimiter;
  readonly readBody: MiddlewareHandler<ApiEnv>;
  readonly auditOriginOf: AuditOriginOf;
}

/** Tenants: register, list, read, limit, suspend. */
export function tenantRoutes({ service, limiter, readBody, auditOriginOf }: TenantRoutesDeps) {
  const create = createRoute({
    ...common,
    method: 'post',
    path: '/v1/admin/tenants',
    operationId: 'createTenant',
    summary: 'Register a tenant',
    description: `Where MEMORY_TENANT_CREATION is \`auto\`, the first message of a tenant does it, too. ${forAllTenants}`,
    middleware: [readBody] as const,
    request: { body: body(tenantCreateSchema, tenantCreateExamples) },
    responses: { 201: json(tenantSchema, 'The tenant.'), ...problems(...bodyErrors, ...commonErrors, 'conflict') },
  });

  const list = createRoute({
    ...common,
    method: 'get',
    path: '/v1/admin/tenants',
    operationId: 'listTenants',
    summary: 'List tenants',
    description: 'In the order of their ids. A key that is bound to tenants sees these alone.',
    request: { query: tenantListQuerySchema },
    responses: { 200: json(tenantPageSchema, 'A page of them.'), ...problems(...commonErrors) },
  });

  const get = createRoute({
    ...common,
    method: 'get',
    path,
    operationId: 'getTenant',
    summary: 'Read how a tenant stands, and what it has',
    request: byId,
    responses: { 200: json(countedTenantSchema, 'The tenant.'), ...problems(...commonErrors, 'not_found') },
  });

  const setQuotas = createRoute({
    ...common,
    method: 'put',
    path: `${path}/quotas`,
    operationId: 'setTenantQuotas',
    summary: 'Limit what a tenant may have',
    description:
      'In place of all its quotas. Storing beyond max_messages or max_bytes is answered 403, quota_exceeded; a request ' +
      `beyond rate_limit, or a stream beyond max_streams, 429. ${forAllTenants}`,
    middleware: [readBody] as const,
    request: { ...byId, body: body(quotasSchema, quotasExamples) },
    responses: { 200: json(tenantSchema, 'The tenant.'), ...problems(...bodyErrors, ...commonErrors, 'not_found') },
  });

  const suspend = createRoute({
    ...common,
    method: 'post',
    path: `${path}/suspend`,
    operationId: 'suspendTenant',
    summary: 'Suspend a tenant',
    description: `What would change it is answered 403, tenant_suspended; it is read as before. ${forAllTenants}`,
    request: byId,
    responses: { 200: json(tenantSchema, 'The tenant.'), ...problems(...commonErrors, 'not_found') },
  });

  const resume = createRoute({
    ...common,
    method: 'post',
    path: `${path}/resume`,
    operationId: 'resumeTenant',
    summary: 'End the suspension of a tenant',
    description: forAllTenants,
    request: byId,
    responses: { 200: json(tenantSchema, 'The tenant.'), ...problems(...commonErrors, 'not_found') },
  });

  return new OpenAPIHono<ApiEnv>({ defaultHook: validationHook })
    .openapi(create, (c) =>
      withCallerSlot(c, { limiter, cost: costOfRead }, async (caller) => {
        const { tenant_id, quotas = {} } = c.req.valid('json');
        return c.json(toBody(await service.create(caller, tenant_id, toQuotas(quotas), auditOriginOf(c))), 201);
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
      withCallerSlot(c, { limiter, cost: costOfListing({ limit: 200 }) }, async (caller) => {
        const { tenant_id } = c.req.valid('param');
        const [tenant, count] = await service.getWithCount(caller, tenant_id, c.get('signal')());
        const { messages, bytes, keys, isAtLeast } = count;
        return c.json({ ...toBody(tenant), usage: { messages, bytes, keys, is_at_least: isAtLeast } }, 200);
      }),
    )
    .openapi(setQuotas, (c) =>
      withCallerSlot(c, { limiter, cost: costOfRead }, async (caller) => {
        const { tenant_id } = c.req.valid('param');
        const quotas = toQuotas(c.req.valid('json'));
        return c.json(toBody(await service.setQuotas(caller, tenant_id, quotas, auditOriginOf(c))), 200);
      }),
    )
    .openapi(suspend, (c) =>
      withCallerSlot(c, { limiter, cost: costOfRead }, async (caller) =>
        c.json(toBody(await service.suspend(caller, c.req.valid('param').tenant_id, auditOriginOf(c))), 200),
      ),
    )
    .openapi(resume, (c) =>
      withCallerSlot(c, { limiter, cost: costOfRead }, async (caller) =>
        c.json(toBody(await service.resume(caller, c.req.valid('param').tenant_id, auditOriginOf(c))), 200),
      ),
    );
}

function toQuotas(quotas: z.output<typeof quotasSchema>): TenantQuotas {
  const { rate_limit: rate } = quotas;
  return {
    ...noQuotas,
    maxMessages: quotas.max_messages ?? undefined,
    maxBytes: quotas.max_bytes ?? undefined,
    maxKeys: quotas.max_keys ?? undefined,
    maxStreams: quotas.max_streams ?? undefined,
    rate: rate == null ? undefined : { requests: rate.requests, windowSeconds: rate.window_seconds },
  };
}

function toBody(tenant: Tenant) {
  const { rate } = tenant;
  return {
    tenant_id: tenant.tenantId,
    status: tenant.suspendedAt === undefined ? ('active' as const) : ('suspended' as const),
    created_at: tenant.createdAt.toISOString(),
    suspended_at: tenant.suspendedAt?.toISOString() ?? null,
    quotas: {
      max_messages: tenant.maxMessages ?? null,
      max_bytes: tenant.maxBytes ?? null,
      max_keys: tenant.maxKeys ?? null,
      max_streams: tenant.maxStreams ?? null,
      rate_limit: rate === undefined ? null : { requests: rate.requests, window_seconds: rate.windowSeconds },
    },
  };
}
