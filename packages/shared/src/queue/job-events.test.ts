import { expect, test } from 'vitest';
import { createLogger } from '../observability/logger.ts';
import { createMetrics } from '../observability/metrics.ts';
import { createJobEvents, jobLogFields } from './job-events.ts';

const report = {
  queueName: 'embedding',
  jobName: 'embed-messages',
  jobId: '7',
  attempt: 2,
  waitedMs: 5,
  durationMs: 9,
};
const ofTenant = { ...report, payload: { v: 1, tenantId: 'acme' } };
const failure = { ...ofTenant, error: new Error('away'), willRetry: true };

function setUp() {
  const lines: string[] = [];
  const ended: string[] = [];
  const metrics = createMetrics();
  const events = createJobEvents({
    queueName: 'embedding',
    onEnded: ({ jobId }, status) => ended.push(`${jobId} ${status}`),
    logger: createLogger({ service: 'test', level: 'info', stream: { write: (line) => void lines.push(line) } }),
    metrics,
  });
  return { events, ended, metrics, logged: () => lines.map((line) => JSON.parse(line)) };
}

test('an attempt that completes or fails is counted; a failed one is logged with its job', async () => {
  const { events, ended, metrics, logged } = setUp();
  events.onCompleted?.(ofTenant);
  events.onFailed?.(failure);
  expect(ended).toEqual(['7 completed', '7 failed']);
  expect(logged()).toMatchObject([
    {
      msg: 'job failed',
      job: 'embed-messages',
      attempt: 2,
      tenantId: 'acme',
      willRetry: true,
      err: { message: 'away' },
    },
  ]);
  const { values } = await metrics.jobsFailed.get();
  expect(values.filter(({ value }) => value > 0)).toMatchObject([
    { labels: { queue: 'embedding', reason: 'failed' }, value: 1 },
  ]);
});

test('a job that is not understood was no attempt, and one that is handed back is no failure', async () => {
  const { events, ended, metrics, logged } = setUp();
  events.onUnparseable?.(failure);
  events.onHandedBack?.(ofTenant);
  events.onError?.(new Error('connection lost'));
  expect(ended).toEqual([]);
  expect(logged().map(({ msg }) => msg)).toEqual([
    'job not understood',
    'job handed back',
    'the embedding queue has trouble',
  ]);
  const { values } = await metrics.jobsFailed.get();
  expect(values.filter(({ value }) => value > 0)).toMatchObject([
    { labels: { queue: 'embedding', reason: 'unparseable' }, value: 1 },
  ]);
});

test('a line says which job it was, and which ids it carried', () => {
  const payload = { v: 1, tenantId: 'acme', runId: '0192f0c1-2a3b-7c4d-8e5f-6a7b8c9d0e1f' };
  expect(jobLogFields({ ...report, payload })).toEqual({
    job: 'embed-messages',
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
  expect(fields).toMatchObject({ job: 'embed-messages' });
  expect(JSON.stringify(fields)).not.toMatch(/private|text|a b/);
});
