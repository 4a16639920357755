import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi';
import { AppError } from '@memory-layer/shared/errors/app-error';
import type { Exposition } from '@memory-layer/shared/ops/ops-server';
import type { ApiEnv } from '../http/api-env.ts';
import { needsScope, problems } from '../http/openapi.ts';

/** Prometheus text format, of all tenants: for keys that are bound to none. */
export function metricsRoutes(exposition: Exposition) {
  const route = createRoute({
    method: 'get',
    path: '/metrics',
    operationId: 'getMetrics',
    tags: ['operations'],
    ...needsScope('metrics'),
    summary: 'Metrics for Prometheus',
    description: 'For keys that are not bound to a tenant.',
    responses: {
      200: {
        description: 'Prometheus text exposition format.',
        content: { 'text/plain': { schema: z.string().openapi({ example: 'aiml_requests_total{method="GET"} 1' }) } },
      },
      ...problems('unauthenticated', 'forbidden', 'invalid_request', 'rate_limited', 'unavailable'),
    },
  });
  return new OpenAPIHono<ApiEnv>().openapi(route, async (c) => {
    if (c.get('caller').tenants !== 'all') {
      throw new AppError('forbidden', 'This key is bound to a tenant; metrics are of all tenants.');
    }
    return c.text(await exposition.metrics(), 200, { 'content-type': exposition.contentType });
  });
}
