import { createLogger } from '@memory-layer/shared/observability/logger';
import { expect, test } from 'vitest';
import type { EmbeddedBatch, EmbeddedMessage } from './complete-messages.ts';
import type { EmbeddingRepository } from './embedding.repository.ts';
import { createGatheringRepository } from './gathering-repository.ts';
import type { Lease } from './lease-messages.ts';
import type { LeaseRequest } from './lease-statement.ts';

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
function createRepository(complete: (batches: readonly EmbeddedBatch[]) => Promise<number[]>) {
  const leased: string[][] = [];
  const completed: string[][] = [];
  const unused = () => Promise.reject(new Error('not asked for here'));
  const repository: EmbeddingRepository = {
    lease: async (requests) => {
      leased.push(requests.map(({ tenantId }) => tenantId));
      return requests.map((own): Lease => ({ messages: [message(own.tenantId)], mayLeaveMore: false }));
    },
    complete: (batches) => {
      completed.push(tenantsOf(batches));
      return complete(batches);
    },
    extend: unused,
    defer: unused,
    retryLater: unused,
    fail: unused,
    releaseAll: unused,
    listOverdue: unused,
  };
  const logger = createLogger({ service: 'test', level: 'silent' });
  return { gathering: createGatheringRepository(repository, logger), leased, completed };
}

const countAll = (batches: readonly EmbeddedBatch[]) => Promise.resolve(batches.map(({ messages }) => messages.length));

test('what concurrent jobs ask goes together, and each gets its own', async () => {
  const { gathering, leased, completed } = createRepository(countAll);
  const leases = await Promise.all(['a', 'b', 'c'].map((tenantId) => gathering.lease(request(tenantId))));
  expect(leases.map(({ messages }) => messages[0]?.messageId)).toEqual(['a', 'b', 'c']);
  const written = await Promise.all([
    gathering.complete(work('a'), [message('1')], never),
    gathering.complete(work('b'), [message('1'), message('2')], never),
  ]);
  expect(written).toEqual([1, 2]);
  expect([leased, completed]).toEqual([[['a', 'b', 'c']], [['a', 'b']]]);
});

test('what the database refuses fails its own job alone', async () => {
  const { gathering } = createRepository((batches) =>
    tenantsOf(batches).includes('bad') ? Promise.reject(new Error('refused')) : countAll(batches),
  );
  const outcomes = await Promise.allSettled(
    ['a', 'bad', 'b'].map((tenantId) => gathering.complete(work(tenantId), [message('1')], never)),
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
  const { gathering } = createRepository((batches) => ((tries += 1) < 3 ? away() : countAll(batches)));
  expect(await gathering.complete(work('a'), [message('1')], never)).toBe(1);
  expect(tries).toBe(3);
});

test('nothing is waited for once the job is ended, but what is done is written if it can be', async () => {
  const ended = AbortSignal.abort(new Error('stopping'));
  const { gathering, completed } = createRepository(away);
  await expect(gathering.complete(work('a'), [message('1')], ended)).rejects.toThrow('away');
  expect(completed).toHaveLength(1);
  const { gathering: well } = createRepository(countAll);
  expect(await well.complete(work('a'), [message('1')], ended)).toBe(1);
});
