import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApiClient } from '../api-client.ts';
import { countPending, readLedger, untilEmbedded } from './ledger.ts';
import { startLoad, type LoadOutcome } from './load.ts';
import type { ServiceProcess } from './service-process.ts';
import { createPrivateServers, serversAreGiven, type PrivateServers } from './servers.ts';
import { createStack, type Stack } from './stack.ts';

/** The tests follow one another: Redis is away when the first begins, and there when it ends. */
describe.skipIf(!serversAreGiven)('without Redis', () => {
  let stack: Stack<PrivateServers>;
  let services: ServiceProcess[];
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
    services = await Promise.all([stack.start('api'), stack.start('embed-worker'), stack.start('retention-worker')]);
    const api = services.find(({ name }) => name === 'api') ?? expect.fail('no api');
    client = stack.clientOf(api);
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

  test('killed under load and started again: nobody notices but the embedding, which comes later', async ({ task }) => {
    const load = startLoad(client, { tenantId: 'flight' });
    await load.untilAnswered(202, 50);
    await stack.servers.redis.kill();
    await load.untilAnswered(202, 100);
    await stack.servers.redis.start();
    await load.untilAnswered(202, 50);
    task.meta.ledger = await expectUnharmed('flight', await load.stop());
  });

  test('flushed under load, again and again: everything is embedded all the same', async ({ task }) => {
    const load = startLoad(client, { tenantId: 'flushed' });
    for (let round = 0; round < 5; round++) {
      await load.untilAnswered(202, 40);
      await stack.servers.flushRedis();
    }
    task.meta.ledger = await expectUnharmed('flushed', await load.stop());
    expect(services.filter((service) => !service.isRunning())).toEqual([]);
  });

  test('afterwards retention is heard again, too', async () => {
    const run = await client.post('/v1/admin/retention/run', { tenant_id: 'flushed' });
    expect(run).toMatchObject({ status: 200, body: { status: 'completed', archived: 0 } });
  });
});
