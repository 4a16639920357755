import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi';
import type { ApiEnv } from '../http/api-env.ts';
import { json } from '../http/openapi.ts';
import type { HealthReport, HealthService } from './health.service.ts';

const healthSchema = z
  .object({
    status: z.enum(['ok', 'degraded', 'down']).openapi({ example: 'ok' }),
    database: z.enum(['ok', 'down']).openapi({ example: 'ok' }),
    queue: z.enum(['ok', 'down']).openapi({ example: 'ok' }),
    embedding: z.enum(['ok', 'failed', 'unknown']).openapi({ example: 'ok' }),
    timestamp: z.iso.datetime().openapi({ example: '2026-01-31T12:00:00.000Z' }),
    latency_ms: z.number().nullable().openapi({ description: 'Of the database probe.', example: 1.2 }),
    uptime_seconds: z.number().openapi({ example: 42.5 }),
    environment: z.string().openapi({ example: 'local' }),
    version: z.string().openapi({ example: '0.1.0' }),
    notes: z.string().nullable().openapi({ example: null }),
  })
  .openapi('Health');

const probeSchema = z.object({ status: z.string().openapi({ example: 'ok' }) }).openapi('Probe');

export interface HealthRoutesDeps {
  readonly service: HealthService;
  readonly environment: string;
  readonly version: string;
}

function report(path: '/v1/admin/health' | '/v1/admin/readiness', summary: string) {
  return createRoute({
    method: 'get',
    path,
    tags: ['operations'],
    summary,
    responses: { 200: json(healthSchema, 'Serving, perhaps degraded.'), 503: json(healthSchema, 'Not serving.') },
  });
}

/** Health, open to all: it says nothing that needs a key. The status on the wire is the status in the body. */
export function healthRoutes({ service, environment, version }: HealthRoutesDeps) {
  const livez = createRoute({
    method: 'get',
    path: '/livez',
    tags: ['operations'],
    summary: 'Is the process alive?',
    responses: { 200: json(probeSchema, 'It is.') },
  });
  const readyz = createRoute({
    method: 'get',
    path: '/readyz',
    tags: ['operations'],
    summary: 'Should traffic be sent here?',
    responses: {
      200: json(probeSchema, 'Yes.'),
      503: json(probeSchema, 'Starting, draining, or without its database.'),
    },
  });

  const toBody = (health: HealthReport) => ({
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
  });

  return new OpenAPIHono<ApiEnv>()
    .openapi(livez, (c) => c.json({ status: 'ok' }, 200))
    .openapi(readyz, async (c) =>
      (await service.isReady()) ? c.json({ status: 'ready' }, 200) : c.json({ status: 'not ready' }, 503),
    )
    .openapi(report('/v1/admin/health', 'Health of the whole'), async (c) => {
      const health = await service.check();
      return c.json(toBody(health), health.status === 'down' ? 503 : 200);
    })
    .openapi(report('/v1/admin/readiness', 'The same, under its older name'), async (c) => {
      const health = await service.check();
      return c.json(toBody(health), health.status === 'down' ? 503 : 200);
    });
}
