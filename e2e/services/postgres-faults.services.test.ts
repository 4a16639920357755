import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually, readLedger, untilEmbedded } from './ledger.ts';
import { startLoad } from './load.ts';
import type { ServiceProcess } from './service-process.ts';
import { createPrivateServers, serversAreGiven, type PrivateServers } from './servers.ts';
import { createStack, type Services, type Stack } from './stack.ts';
import { nonEmpty } from '@memory-layer/shared/testing/non-empty';

/** The tests follow one another: each finds the services as the one before has left them. */
describe.skipIf(!serversAreGiven)('without PostgreSQL', () => {
  let stack: Stack<PrivateServers>;
  let services: Services;

  beforeAll(async () => {
    const servers = await createPrivateServers();
    stack = await createStack(servers);
    await servers.postgres.start();
    await servers.redis.start();
    await stack.migrate();
    await servers.postgres.kill();
  });
  afterAll(() => stack.close());

  test('services start, say that they are not ready, and end on SIGTERM', async () => {
    services = await stack.spawnAll();
    for (const service of nonEmpty(services.all)) {
      await untilWaiting(service);
      expect((await service.ops('/livez'))?.status).toBe(200);
      expect((await service.ops('/readyz'))?.status).toBe(503);
    }
    const waiting = await stack.spawn('embed-worker');
    await untilWaiting(waiting);
    expect(await waiting.kill('SIGTERM')).toEqual({ code: 0, signal: null });
  });

  test('the api lives, is not ready, and asks to come again', async () => {
    const client = stack.clientOf(services.api);
    expect((await client.get('/livez')).status).toBe(200);
    expect((await client.get('/readyz')).status).toBe(503);
    expect((await client.get('/v1/admin/health')).status).toBe(503);
    const message = { tenant_id: 'start', conversation_id: 'c', role: 'user', content: 'too early' };
    for (const answer of [
      await client.post('/v1/messages', message),
      await client.post('/v1/messages/batch', { messages: [message] }),
      await client.get('/v1/messages?tenant_id=start'),
      await client.get('/v1/memory/search?tenant_id=start&query=early'),
      await client.post('/v1/admin/retention/run', { tenant_id: 'start' }),
    ]) {
      expect(answer).toMatchObject({ status: 503, body: { code: 'unavailable' } });
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    }
  });

  test('all of them become ready by themselves once it is there', async ({ task }) => {
    await stack.servers.postgres.start();
    await Promise.all(services.all.map((service) => service.ready()));
    const message = { tenant_id: 'start', conversation_id: 'c', role: 'user', content: 'in time' };
    const answer = await stack.clientOf(services.api).post('/v1/messages', message);
    expect(answer.status).toBe(202);
    await untilEmbedded(stack.servers.db, 'start');
    const sent = { acknowledged: new Map([[answer.body.id, 'in time']]), refused: 5 };
    task.meta.ledger = await readLedger(stack.servers.db, 'start', sent);
    expect(task.meta.ledger).toMatchObject({ stored: 1, embedded: 1, lost: 0 });
  });

  test('killed under load and started again: refusals meanwhile, nothing acknowledged is lost', async ({ task }) => {
    const { postgres, db } = stack.servers;
    const load = startLoad(stack.clientOf(services.api), { tenantId: 'flight' });
    for (let round = 0; round < 2; round++) {
      await load.untilAnswered(202, 100);
      await postgres.kill();
      await load.untilAnswered(503, 50);
      for (const service of nonEmpty(services.all)) expect((await service.ops('/readyz'))?.status).toBe(503);
      await postgres.start();
      await load.untilAnswered(202, 50);
      await Promise.all(services.all.map((service) => service.ready()));
    }
    const sent = await load.stop();
    expect(Object.keys(sent.statuses)).toEqual(['200', '202', '503']);
    expect(sent.withoutRetryAfter).toBe(0);
    expect([...sent.unanswered]).toEqual([]);

    await untilEmbedded(db, 'flight');
    const ledger = (task.meta.ledger = await readLedger(db, 'flight', sent));
    expect(ledger).toMatchObject({ lost: 0, embedded: ledger.stored });
    expect(services.all.filter((service) => !service.isRunning())).toEqual([]);
  });

  test('frozen: /readyz says so instead of hanging, and all are ready when it goes on', async () => {
    const { postgres } = stack.servers;
    postgres.freeze();
    for (const service of nonEmpty(services.all)) expect((await service.ops('/readyz'))?.status).toBe(503);
    expect((await stack.clientOf(services.api).get('/readyz')).status).toBe(503);
    postgres.thaw();
    await Promise.all(services.all.map((service) => service.ready()));
  });

  test('gone for good: the services end in order on SIGTERM all the same', async () => {
    await stack.servers.postgres.kill();
    const exits = await Promise.all(services.all.map((service) => service.kill('SIGTERM')));
    expect(exits).toEqual(services.all.map(() => ({ code: 0, signal: null })));
  });
});

function untilWaiting(service: ServiceProcess): Promise<void> {
  return eventually(`${service.name} waits`, async () =>
    service.logs().some(({ msg }) => msg === 'waiting for the database'),
  );
}
