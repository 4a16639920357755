import { expect, test } from 'vitest';
import { underTurningNames } from './bell-names.ts';

test('a bell has one name for a while, then another, and comes back to the first', async () => {
  const names: (string | undefined)[] = [];
  let now = 0;
  const producer = underTurningNames(
    {
      add: async (_jobName, _payload, options) => {
        names.push(options?.deduplicationId);
      },
    },
    () => now,
  );
  for (const at of [0, 4999, 5000, 10_000, 15_000, 20_000]) {
    now = at;
    await producer.add('embed-messages', { v: 1, tenantId: 'a', generation: 1 }, { deduplicationId: 'a.1' });
  }
  expect(names).toEqual(['a.1.w0', 'a.1.w0', 'a.1.w1', 'a.1.w2', 'a.1.w3', 'a.1.w0']);
});

test('what has no deduplication id gets none', async () => {
  const names: (string | undefined)[] = [];
  const producer = underTurningNames({
    add: async (_jobName, _payload, options) => {
      names.push(options?.deduplicationId);
    },
  });
  await producer.add('embed-messages', { v: 1, tenantId: 'a', generation: 1 });
  expect(names).toEqual([undefined]);
});
