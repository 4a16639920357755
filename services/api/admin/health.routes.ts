import { createRoute, OpenAPIHono } from '@hono/zod-openapi';
import { describePolicy, type PolicyDefaults } from '@memory-layer/shared/retention/retention-policy';
import type { RetentionSchedule } from '@memory-layer/shared/retention/retention-config';
import type { Context } from 'hono';
import type { ApiEnv } from '../http/api-env.ts';
import { json, problems } from '../http/openapi.ts';
import type { Caller } from '../access/caller.ts';
import type { Backlog } from './backlog.ts';
import { healthSchema, probeSchema } from './health.schemas.ts';
import type { HealthReport, HealthService } from './health.service.ts';

export interface HealthRoutesDeps {
  readonly service: HealthService;
  readonly readBacklog: () => Promise<Backlog>;
  /** What becomes of messages of a tenant without a policy of its own. */
  readonly retention: { readonly defaults: PolicyDefaults; readonly schedule: RetentionSchedule };
  readonly environment: string;
  readonly version: string;
}

/** Where health is answered to everybody, and more of it to those who send a key that is bound to no tenant. */
export const healthPaths = ['/v1/admin/health', '/v1/admin/readiness'] as const;

function report(path: (typeof healthPaths)[number], operationId: string, summary: string) {
  return createRoute({
    method: 'get',
    path,
    operationId,
    tags: ['operations'],
    summary,
    description:
      'Needs no key. With one that is not bound to a tenant it also reports how much is waiting, and the retention policy in force.',
    responses: {
      200: json(healthSchema, 'Serving, perhaps degraded.'),
      503: json(healthSchema, 'Not serving.'),
      ...problems('invalid_request', 'rate_limited'),
    },
  });
}

/** Health, open to all: without a key it says nothing that needs one. The status on the wire is that in the body. */
export function healthRoutes({ service, readBacklog, retention, environment, version }: HealthRoutesDeps) {
  const livez = createRoute({
    method: 'get',
    path: '/livez',
    operationId: 'checkLiveness',
    tags: ['operations'],
    summary: 'Is the process alive?',
    responses: { 200: json(probeSchema, 'It is.'), ...problems('invalid_request', 'rate_limited') },
  });
  const readyz = createRoute({
    method: 'get',
    path: '/readyz',
    operationId: 'checkReadiness',
    tags: ['operations'],
    summary: 'Should traffic be sent here?',
    responses: {
      200: json(probeSchema, 'Yes.'),
      503: json(probeSchema, 'Starting, draining, without its database, or without room to store anything.'),
      ...problems('invalid_request', 'rate_limited'),
    },
  });

  async function check(c: Context<ApiEnv>): Promise<HealthReport & { readonly backlog?: Backlog }> {
    // A request without a key has none, whatever the type of other routes says.
    const caller: Caller | undefined = c.get('caller');
    // What waits is of all tenants.
    if (caller?.tenants !== 'all' || !caller.scopes.has('metrics')) return service.check();
    const [health, backlog] = await Promise.all([service.check(), readBacklog()]);
    return { ...health, backlog };
  }

  const toBody = (health: Awaited<ReturnType<typeof check>>) => ({
    status: health.status,
    database: health.database,
    queue: health.queue,
    embedding: health.embedding,
    timestamp: health.at.toISOString(),
    latency_ms: health.latencyMs ?? null,
    uptime_seconds: health.uptimeSeconds,
    environment,
    version,
    notes: health.notes ?? null,
    ...(health.backlog === undefined
      ? {}
      : { backlog: toBacklogBody(health.backlog), retention: toRetentionBody(retention) }),
  });

  return new OpenAPIHono<ApiEnv>()
    .openapi(livez, (c) => c.json({ status: 'ok' }, 200))
    .openapi(readyz, async (c) => {
      const reason = await service.notReady();
      return reason === undefined ? c.json({ status: 'ready' }, 200) : c.json({ status: 'not ready', reason }, 503);
    })
    .openapi(report('/v1/admin/health', 'getHealth', 'Health of the whole'), async (c) => {
      const health = await check(c);
      return c.json(toBody(health), health.status === 'down' ? 503 : 200);
    })
    .openapi(report('/v1/admin/readiness', 'getReadiness', 'The same, under its older name'), async (c) => {
      const health = await check(c);
      return c.json(toBody(health), health.status === 'down' ? 503 : 200);
    });
}

function toRetentionBody({ defaults, schedule }: HealthRoutesDeps['retention']) {
  return {
    policy: describePolicy(defaults),
    max_age_days: defaults.maxAgeDays ?? null,
    age_of: defaults.ageOf,
    importance_threshold: defaults.importanceThreshold ?? null,
    delete_after_days: defaults.deleteAfterDays ?? null,
    schedule_seconds: schedule.everySeconds,
  };
}

function toBacklogBody({ messages, embeddingJobs, retentionJobs }: Backlog) {
  return {
    messages: messages
      ? {
          pending: messages.pending,
          failed: messages.failed,
          oldest_pending_seconds: messages.oldestPendingSeconds,
        }
      : null,
    embedding_jobs: embeddingJobs ?? null,
    retention_jobs: retentionJobs ?? null,
  };
}
