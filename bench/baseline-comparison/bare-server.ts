/**
 * The baseline of single posts and of searches at a given rate: the same framework, a schema of the same size, and nothing behind it. It prints its
 * address and serves until it is ended.
 */
import { randomUUID } from 'node:crypto';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { z } from 'zod';

const name = /^[A-Za-z0-9_.-]+$/;
const importance = z.number().min(0).max(1).nullish();
const instant = z.iso.datetime({ offset: true }).nullish();

const messageSchema = z.strictObject({
  tenant_id: z.string().regex(name).max(64).optional(),
  conversation_id: z.string().regex(name).max(128),
  role: z.enum(['user', 'assistant', 'system', 'tool']),
  content: z.string().min(1).max(100_000),
  metadata: z.record(z.string(), z.unknown()).nullish(),
  importance_override: importance,
  importance,
  created_at: instant,
  expires_at: instant,
});

const app = new Hono();
app.get('/livez', (c) => c.text('ok'));
app.post('/v1/messages', async (c) => {
  const parsed = messageSchema.safeParse(await c.req.json());
  return parsed.success ? c.json({ id: randomUUID() }, 202) : c.json({ error: parsed.error.message }, 422);
});

const searchSchema = z.strictObject({
  tenant_id: z.string().regex(name).max(64).optional(),
  query: z.string().min(1).max(10_000),
  top_k: z.int().min(1).max(100),
});
app.post('/v1/memory/search', async (c) => {
  const parsed = searchSchema.safeParse(await c.req.json());
  return parsed.success ? c.json({ total: 0, items: [] }) : c.json({ error: parsed.error.message }, 422);
});

serve({ fetch: app.fetch, hostname: '127.0.0.1', port: Number(process.argv[2]) });
