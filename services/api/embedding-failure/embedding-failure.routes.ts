import { createRoute, OpenAPIHono } from '@hono/zod-openapi';
import { costOfListing, costOfRetry } from '../cost/request-cost.ts';
import { admitTenant } from '../http/tenant.ts';
import type { MiddlewareHandler } from 'hono';
import type { AuditOriginOf } from '../audit/request-audit.ts';
import type { ApiEnv } from '../http/api-env.ts';
import { body, bodyErrors, commonErrors, json, needsScope, problems } from '../http/openapi.ts';
import { withTenantSlot, type ReadLimiter } from '../http/tenant-slot.ts';
import { validationHook } from '../http/validation-hook.ts';
import type { EmbeddingFailure } from './embedding-failure.ts';
import {
  failureListQuerySchema,
  failurePageSchema,
  retryExamples,
  retryRequestSchema,
  retrySchema,
} from './embedding-failure.schemas.ts';
import type { EmbeddingFailureService } from './embedding-failure.service.ts';

const tags = ['operations'];

export interface EmbeddingFailureRoutesDeps {
  readonly service: EmbeddingFailureService;
  readonly limiter: ReadLimiter;
  readonly readBody: MiddlewareHandler<ApiEnv>;
  readonly auditOriginOf: AuditOriginOf;
}

/** What could not be embedded: looking at it, and trying again. */
export function embeddingFailureRoutes(deps: EmbeddingFailureRoutesDeps) {
  const { service, limiter, readBody, auditOriginOf } = deps;
  const list = createRoute({
    method: 'get',
    path: '/v1/admin/embeddings/failed',
    operationId: 'listFailedEmbeddings',
    tags,
    ...needsScope('admin'),
    summary: 'List messages that could not be embedded',
    description: 'Each with its reason; the message that was stored last comes first.',
    request: { query: failureListQuerySchema },
    responses: { 200: json(failurePageSchema, 'A page of them.'), ...problems(...commonErrors) },
  });

  const retry = createRoute({
    method: 'post',
    path: '/v1/admin/embeddings/retry',
    operationId: 'retryFailedEmbeddings',
    tags,
    ...needsScope('admin'),
    summary: 'Embed failed messages again',
    description:
      'Some by their ids, or all of a tenant. They are pending again, with all their attempts; the reason of the ' +
      'failure is kept until there is a new outcome. What is not failed is left as it is, so asking twice is harmless.',
    middleware: [readBody] as const,
    request: { body: body(retryRequestSchema, retryExamples) },
    responses: { 200: json(retrySchema, 'How many are pending again.'), ...problems(...bodyErrors, ...commonErrors) },
  });

  return new OpenAPIHono<ApiEnv>({ defaultHook: validationHook })
    .openapi(list, async (c) => {
      const { tenant_id, cursor, limit } = c.req.valid('query');
      const tenantId = await admitTenant(c, tenant_id, { in: 'query', pointer: '/tenant_id' });
      return withTenantSlot(c, { limiter, tenantId, cost: costOfListing({ limit }) }, async () => {
        const page = await service.list({ tenantId, cursor, limit, signal: c.get('signal')() });
        return c.json({ items: page.items.map(toBody), next_cursor: page.nextCursor ?? null }, 200);
      });
    })
    .openapi(retry, async (c) => {
      const { tenant_id, message_ids } = c.req.valid('json');
      const tenantId = await admitTenant(c, tenant_id, { in: 'body', pointer: '/tenant_id' });
      const request = { tenantId, requestId: c.get('requestId'), audit: auditOriginOf(c) };
      return withTenantSlot(c, { limiter, tenantId, cost: costOfRetry }, async () => {
        if (message_ids === undefined) {
          const { retried, remaining } = await service.retryAll(request, c.get('signal')());
          return c.json({ tenant_id: tenantId, retried, not_found: [], not_failed: [], remaining }, 200);
        }
        const { retried, notFound, notFailed } = await service.retry(request, message_ids);
        const left = { not_found: [...notFound], not_failed: [...notFailed] };
        return c.json({ tenant_id: tenantId, retried, ...left, remaining: false }, 200);
      });
    });
}

function toBody(failure: EmbeddingFailure) {
  return {
    message_id: failure.messageId,
    conversation_id: failure.conversationId,
    reason: failure.reason ?? null,
    attempts: failure.attempts,
    failed_at: failure.failedAt?.toISOString() ?? null,
    created_at: failure.createdAt,
  };
}
