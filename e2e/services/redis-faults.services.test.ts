import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApiClient } from '../api-client.ts';
import { countPending, readLedger, untilEmbedded } from './ledger.ts';
import { startLoad, type LoadOutcome } from './load.ts';
import { createPrivateServers, serversAreGiven, type PrivateServers } from './servers.ts';
import { createStack, type Services, type Stack } from './stack.ts';

/** The tests follow one another: Redis is away when the first begins, and there when it ends. */
describe.skipIf(!serversAreGiven)('without Redis', () => {
  let stack: Stack<PrivateServers>;
  let services: Services;
  let client: ApiClient;

  beforeAll(async () => {
    stack = await createStack(await createPrivateServers());
    await stack.servers.postgres.start();
    await stack.migrate();
  });
  afterAll(() => stack.close());

  /** Nothing but good answers, and in the end every message is embedded once. */
  async function expectUnharmed(tenantId: string, sent: LoadOutcome) {
    expect(Object.keys(sent.statuses)).toEqual(['200', '202']);
    expect([...sent.unanswered]).toEqual([]);
    await untilEmbedded(stack.servers.db, tenantId);
    const ledger = await readLedger(stack.servers.db, tenantId, sent);
    const { size } = sent.acknowledged;
    expect(ledger).toMatchObject({ acknowledged: size, stored: size, embedded: size, lost: 0 });
    return ledger;
  }

  test('at start: all are ready, messages are accepted and found by words', async ({ task }) => {
    services = await stack.startAll();
    client = stack.clientOf(services.api);
    const load = startLoad(client, { tenantId: 'start' });
    await load.untilAnswered(202, 100);
    const sent = await load.stop();
    const found = await client.get('/v1/memory/search?tenant_id=start&query=sender+turn&top_k=3');
    expect(found).toMatchObject({ status: 200, body: { total: 3 } });
    expect(await client.get('/v1/admin/health')).toMatchObject({ status: 200, body: { status: 'degraded' } });
    expect((await countPending(stack.servers.db, 'start')).all).toBe(sent.acknowledged.size);

    await stack.servers.redis.start();
    task.meta.ledger = await expectUnharmed('start', sent);
  });

  test('killed under load: nobody notices but the embedding, which is made up for when it is back', async ({
    task,
  }) => {
    const load = startLoad(client, { tenantId: 'flight' });
    await load.untilAnswered(202, 50);
    await stack.servers.redis.kill();
    await load.untilAnswered(202, 100);
    // No later job covers what was sent last.
    const sent = await load.stop();
    await stack.servers.redis.start();
    task.meta.ledger = await expectUnharmed('flight', sent);
  });

  test('flushed under load, again and again: everything is embedded all the same', async ({ task }) => {
    const load = startLoad(client, { tenantId: 'flushed' });
    for (let round = 0; round < 3; round++) {
      await load.untilAnswered(202, 40);
      await stack.servers.flushRedis();
    }
    // So that what is sent last is forgotten for certain before the worker gets a job.
    services.embedWorker.send('SIGSTOP');
    await load.untilAnswered(202, 40);
    const sent = await load.stop();
    await stack.servers.flushRedis();
    services.embedWorker.send('SIGCONT');
    task.meta.ledger = await expectUnharmed('flushed', sent);
    expect(services.all.filter((service) => !service.isRunning())).toEqual([]);
  });

  test('afterwards retention jobs arrive again, too', async () => {
    const run = await client.post('/v1/admin/retention/run', { tenant_id: 'flushed' });
    expect(run).toMatchObject({ status: 200, body: { status: 'completed', archived: 0 } });
  });

  test('gone for good: the services end in order on SIGTERM all the same', async () => {
    await stack.servers.redis.kill();
    const exits = await Promise.all(services.all.map((service) => service.kill('SIGTERM')));
    expect(exits).toEqual(services.all.map(() => ({ code: 0, signal: null })));
  });
});
