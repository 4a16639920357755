import { z } from '@hono/zod-openapi';
import { agesOf } from '@memory-layer/shared/retention/retention-policy';

const count = (example: number) => z.int().openapi({ example });

const jobsSchema = z
  .object({ waiting: count(1), active: count(2), delayed: count(0), failed: count(0) })
  .openapi('JobCounts', { description: 'Jobs in a queue, by state. One job serves many messages of a tenant.' });

const backlogSchema = z
  .object({
    messages: z
      .object({
        pending: count(12).openapi({ description: 'Waiting for their embedding.' }),
        failed: count(0).openapi({ description: 'Given up: see /v1/admin/embeddings/failed.' }),
        oldest_pending_seconds: z.number().openapi({ description: '0 when none is pending.', example: 0.4 }),
      })
      .openapi('MessageBacklog', { description: 'Messages of all tenants that have no vectors.' })
      .nullable(),
    embedding_jobs: jobsSchema.nullable(),
    retention_jobs: jobsSchema.nullable(),
  })
  .openapi('Backlog');

const retentionSchema = z
  .object({
    policy: z.string().openapi({ example: 'nothing is archived for its age (MEMORY_RETENTION_MAX_AGE_DAYS)' }),
    max_age_days: z.int().nullable().openapi({ example: null }),
    age_of: z.enum(agesOf).openapi({ description: 'From when age counts.', example: 'stored' }),
    importance_threshold: z.number().nullable().openapi({ example: null }),
    delete_after_days: z.int().nullable().openapi({ example: null }),
    schedule_seconds: z.int().openapi({ description: 'Time between two runs of a tenant.', example: 86_400 }),
  })
  .openapi('RetentionPolicy', { description: 'What holds for a tenant that has no policy of its own.' });

export const healthSchema = z
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
    backlog: backlogSchema.optional().openapi({
      description: 'Only for callers whose key is not bound to a tenant. What cannot be read in time is null.',
    }),
    retention: retentionSchema.optional().openapi({ description: 'Only for the same callers.' }),
  })
  .openapi('Health');

export const probeSchema = z
  .object({
    status: z.string().openapi({ example: 'ok' }),
    reason: z.string().optional().openapi({
      description: 'Why it is not ready: `starting`, `draining`, `database` or `storage`.',
      example: 'storage',
    }),
  })
  .openapi('Probe');
