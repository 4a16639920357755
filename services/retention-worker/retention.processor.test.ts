import { expect, test } from 'vitest';
import type { RunOutcome } from './retention.service.ts';
import { createRetentionProcessors } from './retention.processor.ts';

const asked: string[][] = [];
const endingIn = (outcome: RunOutcome) =>
  createRetentionProcessors({
    schedule: { scheduleRuns: async () => undefined },
    retention: {
      run: async (tenantId, runId) => {
        asked.push([tenantId, runId]);
        return outcome;
      },
    },
  })['run-retention'];

const job = (signal: AbortSignal) => ({
  payload: { v: 1 as const, tenantId: 'acme', runId: 'r-1' },
  jobId: 'j-1',
  attempt: 1,
  signal,
});
const never = new AbortController().signal;

test('carries out the run that the job names', async () => {
  await endingIn('completed')(job(never));
  expect(asked.at(-1)).toEqual(['acme', 'r-1']);
});

test('an aborted job ends with the reason, so that the queue takes it back', async () => {
  const reason = new Error('stopping');
  await expect(endingIn('handed-back')(job(AbortSignal.abort(reason)))).rejects.toBe(reason);
});

test.each(['handed-back', 'skipped', 'lost', 'failed'] as const)(
  'a run that ended as %s needs no retry',
  async (outcome) => {
    await expect(endingIn(outcome)(job(never))).resolves.toBeUndefined();
  },
);
