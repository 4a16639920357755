import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi';
import type { Metrics } from '@memory-layer/shared/observability/metrics';
import type { ApiEnv } from '../http/api-env.ts';
import { keySecurity, problems } from '../http/openapi.ts';

/** Prometheus text format. */
export function metricsRoutes(metrics: Metrics) {
  const route = createRoute({
    method: 'get',
    path: '/metrics',
    tags: ['operations'],
    security: keySecurity,
    summary: 'Metrics for Prometheus',
    responses: {
      200: {
        description: 'Prometheus text exposition format.',
        content: { 'text/plain': { schema: z.string().openapi({ example: 'aiml_requests_total{method="GET"} 1' }) } },
      },
      ...problems('unauthenticated'),
    },
  });
  return new OpenAPIHono<ApiEnv>().openapi(route, async (c) =>
    c.text(await metrics.registry.metrics(), 200, { 'content-type': metrics.registry.contentType }),
  );
}
