import { randomUUID } from 'node:crypto';

import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe } from 'vitest';

import { createQueueBackend } from './create-queue-backend.ts';
import { testRedisTarget } from '../testing/redis-target.ts';
import type { QueueBackend } from './queue-port.ts';
import { describeQueueContract } from './testing/queue.contract.ts';

const url = process.env['TEST_REDIS_URL'] ?? '';
const title = url === '' ? 'queue on Redis (skipped: set TEST_REDIS_URL to run)' : 'queue on Redis';

describe.skipIf(url === '')(title, () => {
  const prefix = `{test-${randomUUID()}}`;
  let backend: QueueBackend;

  beforeAll(async () => {
    backend = createQueueBackend({ kind: 'redis', target: testRedisTarget(url), prefix, timeoutMs: 10_000 });
    await backend.start();
  });

  afterAll(async () => {
    await backend.stop();
    const admin = new Redis(url);
    for await (const keys of admin.scanStream({ match: `${prefix}*`, count: 1_000 })) {
      if (Array.isArray(keys) && keys.length > 0) await admin.unlink(keys);
    }
    await admin.quit();
  });

  describeQueueContract(() => backend);
});
