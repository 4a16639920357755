import { describe, expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';

import { embeddingQueue, type retentionQueue } from './catalog.ts';
import { defineQueue, type Handlers, type JobPayload, type PayloadSchema } from './define-queue.ts';

function jobWith(schema: PayloadSchema) {
  return { schema, attempts: 1, backoff: { type: 'exponential', delayMs: 1, jitter: 0 }, timeoutMs: 1_000 } as const;
}

describe('defineQueue', () => {
  test.each([
    ['a loose object', z.looseObject({ v: z.literal(1) })],
    ['an object that drops unknown keys', z.object({ v: z.literal(1) })],
    ['no literal version', z.strictObject({ v: z.number() })],
    ['a date, which JSON cannot carry', z.strictObject({ v: z.literal(1), at: z.date() })],
    ['a transform', z.strictObject({ v: z.literal(1), at: z.string().transform(Number) })],
  ])('refuses a payload with %s', (_what, schema) => {
    expect(() => defineQueue({ name: 'q', jobs: { job: jobWith(schema) } })).toThrow();
  });

  test.each(['a:b', '', 'a b'])('refuses the name "%s" for a queue and for a job', (name) => {
    const job = jobWith(z.strictObject({ v: z.literal(1) }));
    expect(() => defineQueue({ name, jobs: { job } })).toThrow(/cannot name/);
    expect(() => defineQueue({ name: 'q', jobs: { [name]: job } })).toThrow(/cannot name/);
  });

  test('derives payloads and the handler map', () => {
    type Payload = JobPayload<typeof embeddingQueue, 'embed-messages'>;
    expectTypeOf<Payload>().toEqualTypeOf<{
      v: 1;
      tenantId: string;
      generation: number;
      requestId?: string | undefined;
    }>();
    expectTypeOf<keyof Handlers<typeof retentionQueue>>().toEqualTypeOf<'schedule-retention' | 'run-retention'>();

    // @ts-expect-error -- a handler is missing
    const incomplete: Handlers<typeof retentionQueue> = { 'run-retention': () => Promise.resolve() };
    expect(Object.keys(incomplete)).toEqual(['run-retention']);
  });
});

describe('catalog', () => {
  test('carries ids only: everything else is refused', () => {
    const { schema } = embeddingQueue.jobs['embed-messages'];
    const payload = { v: 1, tenantId: 'acme', generation: 3 };
    expect(schema.safeParse(payload).success).toBe(true);
    expect(schema.safeParse({ ...payload, content: 'hello' }).success).toBe(false);
    expect(schema.safeParse({ ...payload, v: 2 }).success).toBe(false);
    expect(schema.safeParse({ ...payload, tenantId: 'a\n' }).success).toBe(false);
    expect(schema.safeParse({ ...payload, generation: 1.5 }).success).toBe(false);
  });
});
