import { expect, test } from 'vitest';
import { jobLogFields } from './job-log-fields.ts';

const report = { queueName: 'retention', jobName: 'run-retention', jobId: '7', attempt: 2, waitedMs: 5, durationMs: 9 };

test('says which job it was, and which ids it carried', () => {
  const payload = { v: 1, tenantId: 'acme', runId: '0192f0c1-2a3b-7c4d-8e5f-6a7b8c9d0e1f' };
  expect(jobLogFields({ ...report, payload })).toEqual({
    job: 'run-retention',
    jobId: '7',
    attempt: 2,
    waitedMs: 5,
    durationMs: 9,
    tenantId: 'acme',
    runId: '0192f0c1-2a3b-7c4d-8e5f-6a7b8c9d0e1f',
  });
});

test.each([
  undefined,
  null,
  'text',
  { content: 'private words', tenantId: { deep: 'private' }, requestId: 'a b\nc' },
  { tenantId: 'private\nwords' },
])('security: of a payload that is not ours nothing is said (%j)', (payload) => {
  const fields = jobLogFields({ ...report, payload });
  expect(fields).toMatchObject({ job: 'run-retention' });
  expect(JSON.stringify(fields)).not.toMatch(/private|text|a b/);
});
