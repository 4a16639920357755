import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { countPending, eventually, readLedger, untilEmbedded } from './ledger.ts';
import { startLoad } from './load.ts';
import type { ServiceProcess } from './service-process.ts';
import { serversAreGiven, useGivenServers } from './servers.ts';
import { createStack, type Stack } from './stack.ts';

const inOrder = { code: 0, signal: null };

describe.skipIf(!serversAreGiven)('SIGTERM', () => {
  let stack: Stack;
  let api: ServiceProcess;

  beforeAll(async () => {
    stack = await createStack(await useGivenServers());
    [api] = await Promise.all([stack.start('api'), stack.start('embed-worker')]);
  });
  afterAll(() => stack.close());

  test('under load: the embed worker finishes or hands back what it holds, and another goes on', async ({ task }) => {
    const { db } = stack.servers;
    // What is handed back is taken up at once; what is kept would have to wait for this.
    const env = { MEMORY_EMBEDDING_LEASE_MS: '600000', MEMORY_EMBEDDING_SWEEP_MS: '3600000' };
    const worker = await stack.start('embed-worker', env);
    const load = startLoad(stack.clientOf(api), { tenantId: 'worker' });
    await eventually('it works', async () =>
      worker.logs().some(({ msg, embedded }) => msg === 'job' && embedded !== 0),
    );
    await load.untilAnswered(202, 50);
    expect(await worker.kill('SIGTERM')).toEqual(inOrder);
    await load.untilAnswered(202, 50);
    const sent = await load.stop();
    await untilEmbedded(db, 'worker');
    task.meta.ledger = await readLedger(db, 'worker', sent);
    const { size } = sent.acknowledged;
    expect(task.meta.ledger).toMatchObject({ stored: size, embedded: size, lost: 0 });
  });

  test('in the middle of a run: the retention worker finishes or hands it back, and another ends it', async ({
    task,
  }) => {
    const { db } = stack.servers;
    const client = stack.clientOf(api);
    const messages = Array.from({ length: 1000 }, (_, n) => ({
      tenant_id: 'retention',
      conversation_id: 'c',
      role: 'user',
      content: `old ${n}`,
      created_at: '2020-01-01T00:00:00Z',
    }));
    const acknowledged: string[] = [];
    for (let batch = 0; batch < 3; batch++) {
      const { status, body } = await client.post('/v1/messages/batch', { messages });
      expect(status).toBe(202);
      acknowledged.push(...body.created.map(({ id }: { id: string }) => id));
    }
    const archived = () =>
      db.selectFrom('archived_message').select('id').where('tenant_id', '=', 'retention').execute();

    const worker = await stack.start('retention-worker', { MEMORY_RETENTION_BATCH_SIZE: '2' });
    const running = client.post('/v1/admin/retention/run', { tenant_id: 'retention' });
    await eventually('it archives', async () => (await archived()).length > 0);
    expect(await worker.kill('SIGTERM')).toEqual(inOrder);
    const { body: run } = await running;

    await stack.start('retention-worker');
    await eventually('the run is completed', async () => {
      const { body } = await client.get(`/v1/admin/retention/runs/${run.run_id}?tenant_id=retention`);
      return body.status === 'completed' && body.archived === 3000;
    });
    const kept = new Set((await archived()).map(({ id }) => id));
    const lost = acknowledged.filter((id) => !kept.has(id)).length;
    // What is archived has no vectors.
    task.meta.ledger = { acknowledged: acknowledged.length, refused: 0, stored: kept.size, embedded: 0, lost };
    expect(task.meta.ledger).toMatchObject({ acknowledged: 3000, stored: 3000, lost: 0 });
    expect(await client.listAll('retention')).toEqual([]);
    expect((await countPending(db, 'retention')).all).toBe(0);
  });

  test('under load: the api answers every request that it has accepted', async ({ task }) => {
    const { db } = stack.servers;
    const load = startLoad(stack.clientOf(api), { tenantId: 'api', senders: 16, pauseMs: 5 });
    await load.untilAnswered(202, 150);
    expect(await api.kill('SIGTERM')).toEqual(inOrder);
    const sent = await load.stop();
    expect(Object.keys(sent.statuses)).toEqual(['200', '202']);

    // What got no answer has not come in: the api has not seen it, and nothing of it is stored.
    const seen = new Set(api.logs().map(({ requestId }) => requestId));
    expect([...sent.unanswered.keys()].filter((requestId) => seen.has(requestId))).toEqual([]);
    await untilEmbedded(db, 'api');
    task.meta.ledger = await readLedger(db, 'api', sent);
    const { size } = sent.acknowledged;
    expect(task.meta.ledger).toMatchObject({ stored: size, embedded: size, lost: 0 });
  });
});
