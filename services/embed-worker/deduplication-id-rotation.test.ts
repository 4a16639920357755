import { expect, test } from 'vitest';
import { rotateDeduplicationIds } from './compose.ts';

test('a job has one deduplication id for a while, then another, and the first again', async () => {
  const ids: (string | undefined)[] = [];
  let now = 0;
  const producer = rotateDeduplicationIds(
    {
      add: async (_jobName, _payload, options) => {
        ids.push(options?.deduplicationId);
      },
    },
    () => now,
  );
  for (const at of [0, 4999, 5000, 10_000, 15_000, 20_000]) {
    now = at;
    await producer.add('embed-messages', { v: 1, tenantId: 'a', generation: 1 }, { deduplicationId: 'a.1' });
  }
  expect(ids).toEqual(['a.1.w0', 'a.1.w0', 'a.1.w1', 'a.1.w2', 'a.1.w3', 'a.1.w0']);
});

test('what has no deduplication id gets none', async () => {
  const ids: (string | undefined)[] = [];
  const producer = rotateDeduplicationIds({
    add: async (_jobName, _payload, options) => {
      ids.push(options?.deduplicationId);
    },
  });
  await producer.add('embed-messages', { v: 1, tenantId: 'a', generation: 1 });
  expect(ids).toEqual([undefined]);
});
