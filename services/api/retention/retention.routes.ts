import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi';
import { costOfRead, costOfRetentionRun } from '../cost/request-cost.ts';
import type { MiddlewareHandler } from 'hono';
import type { AuditOriginOf } from '../audit/request-audit.ts';
import type { ApiEnv } from '../http/api-env.ts';
import { body, bodyErrors, commonErrors, json, needsScope, problems } from '../http/openapi.ts';
import { admitTenant } from '../http/tenant.ts';
import { withTenantSlot, type ReadLimiter } from '../http/tenant-slot.ts';
import { validationHook } from '../http/validation-hook.ts';
import { tenantIdSchema } from '../http/field.schemas.ts';
import type { RetentionRun } from './retention-run.ts';
import type { RetentionService } from './retention.service.ts';

const actionSchema = z.enum(['archive', 'delete']).openapi({ example: 'archive' });

const runRequestSchema = z
  .strictObject({
    tenant_id: tenantIdSchema.optional(),
    actions: z
      .array(actionSchema)
      .min(1, 'must name at least one')
      .max(2, 'must name each action once')
      .default(['archive', 'delete']),
    dry_run: z.boolean().default(false),
  })
  .refine((run) => new Set(run.actions).size === run.actions.length, {
    path: ['actions'],
    message: 'must name each action once',
  })
  .openapi('RetentionRunRequest');

const runExamples = {
  dry: { summary: 'What would be done?', value: { tenant_id: 'acme', dry_run: true } },
  archive: { summary: 'Archive, delete nothing', value: { tenant_id: 'acme', actions: ['archive'] } },
};

const runIdSchema = z.uuid('must be a UUID').openapi({ example: '0192f0c1-2a3b-7c4d-8e5f-6a7b8c9d0e1f' });

const runSchema = z
  .object({
    run_id: runIdSchema,
    tenant_id: tenantIdSchema,
    status: z.enum(['queued', 'running', 'completed', 'failed']).openapi({ example: 'completed' }),
    archived: z.int().openapi({ example: 12 }),
    deleted: z.int().openapi({ example: 3 }),
    dry_run: z.boolean().openapi({ example: false }),
  })
  .openapi('RetentionRun');

const tags = ['retention'];

export interface RetentionRoutesDeps {
  readonly service: RetentionService;
  readonly limiter: ReadLimiter;
  readonly readBody: MiddlewareHandler<ApiEnv>;
  readonly auditOriginOf: AuditOriginOf;
}

export function retentionRoutes({ service, limiter, readBody, auditOriginOf }: RetentionRoutesDeps) {
  const run = createRoute({
    method: 'post',
    path: '/v1/admin/retention/run',
    operationId: 'runRetention',
    tags,
    ...needsScope('retention'),
    summary: 'Apply a tenant’s retention policy now',
    description: 'A dry run changes nothing and counts what a run would do.',
    middleware: [readBody] as const,
    request: { body: body(runRequestSchema, runExamples) },
    responses: {
      200: json(runSchema, 'The run has ended.'),
      202: json(runSchema, 'The run goes on; ask for it by its run_id.'),
      ...problems(...bodyErrors, ...commonErrors),
    },
  });

  const get = createRoute({
    method: 'get',
    path: '/v1/admin/retention/runs/{run_id}',
    operationId: 'getRetentionRun',
    tags,
    ...needsScope('retention'),
    summary: 'How a retention run stands',
    request: {
      params: z.strictObject({ run_id: runIdSchema }),
      query: z.strictObject({ tenant_id: tenantIdSchema.optional() }),
    },
    responses: {
      200: json(runSchema, 'The run.'),
      ...problems(...commonErrors, 'not_found'),
    },
  });

  return new OpenAPIHono<ApiEnv>({ defaultHook: validationHook })
    .openapi(run, async (c) => {
      const input = c.req.valid('json');
      const tenantId = await admitTenant(c, input.tenant_id, { in: 'body', pointer: '/tenant_id' }, 'change');
      const request = { tenantId, actions: input.actions, dryRun: input.dry_run };
      const askedAt = Date.now();
      const slot = { limiter, tenantId, cost: costOfRetentionRun, signal: c.get('deadline') };
      const started = await withTenantSlot(c, slot, () => service.start(request, auditOriginOf(c)));
      const outcome = await service.waitForEnd(started, { askedAt, signal: c.get('signal')() });
      return c.json(toBody(outcome), outcome.state === 'completed' ? 200 : 202);
    })
    .openapi(get, async (c) => {
      const where = { in: 'query', pointer: '/tenant_id' } as const;
      const tenantId = await admitTenant(c, c.req.valid('query').tenant_id, where);
      return withTenantSlot(c, { limiter, tenantId, cost: costOfRead }, async () =>
        c.json(toBody(await service.getById(tenantId, c.req.valid('param').run_id, c.get('signal')())), 200),
      );
    });
}

function toBody(run: RetentionRun) {
  return {
    run_id: run.runId,
    tenant_id: run.tenantId,
    status: run.state,
    archived: run.archived,
    deleted: run.deleted,
    dry_run: run.dryRun,
  };
}
