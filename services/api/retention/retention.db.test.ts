import type { Schema } from '@memory-layer/shared/db/schema';
import type { Kysely } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectProblem } from '../testing/expect-problem.ts';
import { keys, startTestApi, type TestApi } from '../testing/test-api.ts';
import { createRetentionRunRepository } from './retention-run.repository.ts';

const path = '/v1/admin/retention/run';
const waitMs = 150;

/** What the retention worker of a test does when it is notified of a run. */
type Worker = (db: Kysely<Schema>, tenantId: string, runId: string) => Promise<void>;

const settle =
  (outcome: {
    state: 'running' | 'completed' | 'failed';
    archived?: number;
    deleted?: number;
    error?: string;
  }): Worker =>
  async (db, tenantId, runId) => {
    const run = db.updateTable('retention_run').set(outcome).where('tenant_id', '=', tenantId);
    await run.where('run_id', '=', runId).execute();
  };
const asleep: Worker = async () => undefined;

let worker: Worker = asleep;
let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({ onRetentionRun: (...run) => worker(...run), retentionWaitMs: waitMs });
});
afterAll(() => api.stop());

let tenants = 0;
const freshTenant = () => `retaining-${(tenants += 1)}`;
const ask = (tenant_id: string, more: object = {}) => api.call('POST', path, { body: { tenant_id, ...more } });
const look = (tenantId: string, runId: string) => api.call('GET', `${path}s/${runId}?tenant_id=${tenantId}`);

describe('asking for a retention run', () => {
  test('answers 200 with its counts when it ends in time', async () => {
    const tenant_id = freshTenant();
    worker = settle({ state: 'completed', archived: 3, deleted: 2 });
    const answer = await ask(tenant_id);
    expect(answer.status).toBe(200);
    const run = { tenant_id, run_id: expect.any(String), status: 'completed', archived: 3, deleted: 2, dry_run: false };
    expect(answer.body).toEqual(run);
    expect(await look(tenant_id, answer.body.run_id)).toMatchObject({ status: 200, body: run });
  });

  test('also when the worker takes its time', async () => {
    let working = Promise.resolve();
    worker = async (...run) => {
      // Not waited for: a worker is another process.
      working = settle({ state: 'running', archived: 1 })(...run).then(() =>
        settle({ state: 'completed', archived: 4 })(...run),
      );
    };
    const answer = await ask(freshTenant());
    expect(answer).toMatchObject({ status: 200, body: { status: 'completed', archived: 4 } });
    await working;
  });

  test('answers 202 when it goes on, with where it stands', async () => {
    const tenantId = freshTenant();
    worker = settle({ state: 'running', archived: 1 });
    const answer = await ask(tenantId);
    expect(answer).toMatchObject({ status: 202, body: { status: 'running', archived: 1, deleted: 0 } });
    const runId = answer.body.run_id;
    await settle({ state: 'completed', archived: 9 })(api.db, tenantId, runId);
    expect(await look(tenantId, runId)).toMatchObject({ status: 200, body: { status: 'completed', archived: 9 } });
  });

  test.each<[string, Worker]>([
    ['no worker is notified', asleep],
    [
      'the queue is away',
      async () => {
        throw new Error('the queue is away');
      },
    ],
  ])('answers 202 when %s: a sweeper will find it', async (_, deaf) => {
    worker = deaf;
    const tenantId = freshTenant();
    const answer = await ask(tenantId);
    expect(answer).toMatchObject({ status: 202, body: { status: 'queued', archived: 0, deleted: 0 } });
    expect(await look(tenantId, answer.body.run_id)).toMatchObject({ status: 200, body: { status: 'queued' } });
  });

  test('answers 500 when it fails, and the run says so', async () => {
    const tenantId = freshTenant();
    worker = settle({ state: 'failed', error: 'row of somebody' });
    const answer = await ask(tenantId);
    expectProblem(answer, 'internal');
    expect(answer.text).not.toContain('somebody');
    const run = await api.db
      .selectFrom('retention_run')
      .select('run_id')
      .where('tenant_id', '=', tenantId)
      .executeTakeFirstOrThrow();
    const seen = await look(tenantId, run.run_id);
    expect(seen).toMatchObject({ status: 200, body: { status: 'failed' } });
    expect(seen.text).not.toContain('somebody');
  });

  test.each([
    [{}, ['archive', 'delete'], false],
    [{ actions: ['delete'], dry_run: true }, ['delete'], true],
    [{ actions: ['delete', 'archive'] }, ['delete', 'archive'], false],
  ])('stores what is asked: %j', async (body, actions, dry_run) => {
    const tenantId = freshTenant();
    worker = settle({ state: 'completed' });
    const answer = await ask(tenantId, body);
    expect(answer.body.dry_run).toBe(dry_run);
    const rows = await api.db.selectFrom('retention_run').selectAll().where('tenant_id', '=', tenantId).execute();
    expect(rows).toMatchObject([{ run_id: answer.body.run_id, actions, dry_run }]);
  });
});

describe('many runs of one tenant', () => {
  test('are all asked for, also where too many wait already', async () => {
    worker = asleep;
    const tenantId = freshTenant();
    const answers = await Promise.all(Array.from({ length: 40 }, () => ask(tenantId)));
    expect(new Set(answers.map(({ status, body }) => `${status} ${body.status}`))).toEqual(new Set(['202 queued']));
    expect(new Set(answers.map(({ body }) => body.run_id)).size).toBe(40);
    const rows = await api.db.selectFrom('retention_run').select('run_id').where('tenant_id', '=', tenantId).execute();
    expect(rows).toHaveLength(40);
  });

  test('do not hold a slot of their tenant while they wait', async () => {
    worker = asleep;
    const narrow = await startTestApi({
      retentionWaitMs: 10_000,
      reads: { perTenant: 0.25, queuePerTenant: 1 },
    });
    try {
      const waiting = Promise.all([1, 2].map(() => narrow.call('POST', path, { body: { tenant_id: 'a' } })));
      const runs = () => narrow.db.selectFrom('retention_run').select('run_id').execute();
      await expect.poll(async () => (await runs()).length).toBe(2);
      expect((await narrow.call('GET', '/v1/messages?tenant_id=a&limit=1')).status).toBe(200);
      await narrow.db.updateTable('retention_run').set({ state: 'completed' }).execute();
      expect((await waiting).map(({ status }) => status)).toEqual([200, 200]);
    } finally {
      await narrow.stop();
    }
  });
});

describe('security: runs', () => {
  test('a bound key asks for its own tenant', async () => {
    worker = settle({ state: 'completed' });
    const answer = await api.call('POST', path, { body: {}, key: keys.acme });
    expect(answer).toMatchObject({ status: 200, body: { tenant_id: 'acme' } });
    const runId = answer.body.run_id;
    expect((await api.call('GET', `${path}s/${runId}`, { key: keys.acme })).status).toBe(200);
    expectProblem(await api.call('GET', `${path}s/${runId}`, { key: keys.globex }), 'not_found');
    expectProblem(await look('globex', runId), 'not_found');
  });

  test('are read with their tenant, also several at once', async () => {
    const runs = createRetentionRunRepository(api.db);
    const [runId = '', otherId = ''] = [1, 2].map((n) => `0192f0c1-2a3b-7c4d-8e5f-6a7b8c9d0e0${n}`);
    await runs.insert({ tenantId: 'acme', runId, actions: ['delete'], dryRun: true }, undefined);
    await runs.insert({ tenantId: 'globex', runId: otherId, actions: ['delete'], dryRun: false }, undefined);
    const own = { tenantId: 'acme', runId, state: 'queued', dryRun: true, archived: 0, deleted: 0 };
    expect(await runs.listByIds([own, { tenantId: 'acme', runId: otherId }])).toEqual([own]);
  });
});
