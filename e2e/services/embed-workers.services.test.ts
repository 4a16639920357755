import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApiClient } from '../api-client.ts';
import { countPending, eventually, readLedger, untilEmbedded } from './ledger.ts';
import type { ServiceProcess } from './service-process.ts';
import { serversAreGiven, useGivenServers } from './servers.ts';
import { createStack, type Stack } from './stack.ts';

// Far below the minute after which BullMQ would give a dead worker's job to another: what counts is the row's lease.
const leaseMs = 4000;

describe.skipIf(!serversAreGiven)('embed workers', () => {
  let stack: Stack;
  let client: ApiClient;

  beforeAll(async () => {
    stack = await createStack(await useGivenServers());
    client = stack.clientOf(await stack.start('api'));
  });
  afterAll(() => stack.close());

  const startWorker = (env: Record<string, string> = {}) =>
    stack.start('embed-worker', { MEMORY_EMBEDDING_LEASE_MS: '60000', MEMORY_EMBEDDING_JOB_BATCH_SIZE: '32', ...env });

  /** Sends a tenant's messages in batches of a hundred. @returns what was acknowledged. */
  async function ingest(tenantId: string, count: number) {
    const acknowledged = new Map<string, string>();
    for (let first = 0; first < count; first += 100) {
      const messages = Array.from({ length: Math.min(100, count - first) }, (_, n) => ({
        tenant_id: tenantId,
        conversation_id: 'c',
        role: 'user',
        content: `Message ${first + n}: ${'a few words more than a chat turn usually has, '.repeat(4)}and an end.`,
      }));
      const answer = await client.post('/v1/messages/batch', { messages });
      expect(answer.status).toBe(202);
      for (const { id, content } of answer.body.created) acknowledged.set(id, content);
    }
    return { acknowledged, refused: 0 };
  }

  test('two of them share what has waited while there was none, and embed each message once', async ({ task }) => {
    const sent = await ingest('waiting', 1000);
    expect((await countPending(stack.servers.db, 'waiting')).all).toBe(1000);
    const workers = await Promise.all([startWorker(), startWorker()]);
    await untilEmbedded(stack.servers.db, 'waiting');
    task.meta.ledger = await readLedger(stack.servers.db, 'waiting', sent);
    expect(task.meta.ledger).toMatchObject({ acknowledged: 1000, stored: 1000, embedded: 1000, lost: 0 });

    // The last job logs after it has committed.
    await expect.poll(() => workers.map((worker) => sumOf(worker, 'waiting', 'embedded')).reduce(add)).toBe(1000);
    for (const worker of workers) expect(sumOf(worker, 'waiting', 'embedded')).toBeGreaterThan(0);
    expect(workers.map((worker) => sumOf(worker, 'waiting', 'leased')).reduce(add)).toBe(1000);
    for (const worker of workers) await worker.kill('SIGTERM');
  });

  test('what one held when it was killed is taken over by another when its lease has ended', async ({ task }) => {
    const { db } = stack.servers;
    const env = { MEMORY_EMBEDDING_LEASE_MS: String(leaseMs), MEMORY_EMBEDDING_JOB_BATCH_SIZE: '200' };
    const victim = await startWorker(env);
    const sent = await ingest('taken', 400);
    await eventually('a batch is under way', async () => (await countPending(db, 'taken')).leased > 0);
    await victim.kill('SIGKILL');
    const orphaned = await countPending(db, 'taken');
    expect(orphaned.leased).toBeGreaterThan(0);

    const heir = await startWorker(env);
    await untilEmbedded(db, 'taken');
    task.meta.ledger = await readLedger(db, 'taken', sent);
    expect(task.meta.ledger).toMatchObject({ acknowledged: 400, stored: 400, embedded: 400, lost: 0 });
    await expect.poll(() => sumOf(heir, 'taken', 'embedded')).toBe(orphaned.all);
  });
});

const add = (one: number, other: number): number => one + other;

/** Over the log lines of a worker's jobs. */
function sumOf(worker: ServiceProcess, tenantId: string, what: 'embedded' | 'leased'): number {
  const jobs = worker.logs().filter((line) => line.msg === 'job' && line['tenantId'] === tenantId);
  return jobs.reduce((sum, job) => sum + Number(job[what]), 0);
}
