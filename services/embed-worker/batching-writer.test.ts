import { createLogger } from '@memory-layer/shared/observability/logger';
import { expect, test } from 'vitest';
import { createBatchingWriter, type BatchingWriterDeps } from './batching-writer.ts';
import type { EmbeddedBatch, EmbeddedMessage, LeaseRequest, LeaseResult } from './lease.ts';

const never = new AbortController().signal;
const work = (tenantId: string) => ({ tenantId, generation: 1 });
const request = (tenantId: string): LeaseRequest => ({
  ...work(tenantId),
  limit: 64,
  tokenBudget: 1_000_000,
  leaseMs: 60_000,
});
const tenantsOf = (batches: readonly EmbeddedBatch[]) => batches.map((batch) => batch.work.tenantId);

function message(messageId: string): EmbeddedMessage {
  const leased = { messageId, content: 'text', speaker: undefined, contentHash: Buffer.of(1), attempts: 1 };
  return { ...leased, vectors: [Float32Array.of(1)] };
}

/** Answers with who was asked for together. */
function createWriter(complete: (batches: readonly EmbeddedBatch[]) => Promise<number[]>) {
  const leased: string[][] = [];
  const completed: string[][] = [];
  const written: [tenantId: string, messages: number][] = [];
  const repository: BatchingWriterDeps['repository'] = {
    lease: async (requests) => {
      leased.push(requests.map(({ tenantId }) => tenantId));
      return requests.map((own): LeaseResult => ({ messages: [message(own.tenantId)], mayLeaveMore: false }));
    },
    complete: (batches) => {
      completed.push(tenantsOf(batches));
      return complete(batches);
    },
  };
  const logger = createLogger({ service: 'test', level: 'silent' });
  const onWritten = (...report: [tenantId: string, messages: number]) => void written.push(report);
  return { writer: createBatchingWriter({ repository, onWritten, logger }), leased, completed, written };
}

const countAll = (batches: readonly EmbeddedBatch[]) => Promise.resolve(batches.map(({ messages }) => messages.length));

test('what concurrent jobs ask goes together, and each gets its own', async () => {
  const { writer, leased, completed, written } = createWriter(countAll);
  const leases = await Promise.all(['a', 'b', 'c'].map((tenantId) => writer.lease(request(tenantId))));
  expect(leases.map(({ messages }) => messages[0]?.messageId)).toEqual(['a', 'b', 'c']);
  const counts = await Promise.all([
    writer.complete(work('a'), [message('1')], never),
    writer.complete(work('b'), [message('1'), message('2')], never),
  ]);
  expect(counts).toEqual([1, 2]);
  expect([leased, completed]).toEqual([[['a', 'b', 'c']], [['a', 'b']]]);
  expect(written, 'each tenant is reported').toEqual([
    ['a', 1],
    ['b', 2],
  ]);
});

test('what the database refuses fails its own job alone', async () => {
  const { writer } = createWriter((batches) =>
    tenantsOf(batches).includes('bad') ? Promise.reject(new Error('refused')) : countAll(batches),
  );
  const outcomes = await Promise.allSettled(
    ['a', 'bad', 'b'].map((tenantId) => writer.complete(work(tenantId), [message('1')], never)),
  );
  expect(outcomes).toEqual([
    { status: 'fulfilled', value: 1 },
    { status: 'rejected', reason: new Error('refused') },
    { status: 'fulfilled', value: 1 },
  ]);
});

const away = () => Promise.reject(Object.assign(new Error('away'), { code: 'ECONNREFUSED' }));

test('vectors wait for a database that is away', async () => {
  let tries = 0;
  const { writer } = createWriter((batches) => ((tries += 1) < 3 ? away() : countAll(batches)));
  expect(await writer.complete(work('a'), [message('1')], never)).toBe(1);
  expect(tries).toBe(3);
});

test('nothing is waited for once the job is ended, but what is done is written if it can be', async () => {
  const ended = AbortSignal.abort(new Error('stopping'));
  const { writer, completed } = createWriter(away);
  await expect(writer.complete(work('a'), [message('1')], ended)).rejects.toThrow('away');
  expect(completed).toHaveLength(1);
  const { writer: well } = createWriter(countAll);
  expect(await well.complete(work('a'), [message('1')], ended)).toBe(1);
});
