import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Cluster } from 'ioredis';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { expectRefusal, openQueueRoundTrip } from '../testing/redis-round-trip.ts';
import { testRedisTarget } from '../testing/redis-target.ts';
import {
  canStartRedis,
  createRedisAccess,
  startRedisCluster,
  type RedisAccess,
  type ThrowawayCluster,
} from '../testing/redis-topology.ts';
import { createRedisClients } from './redis-client.ts';

const canRun = canStartRedis();
const title = canRun ? 'Redis Cluster' : 'Redis Cluster (skipped: needs TEST_REDIS_URL and a redis-server)';

/** Their slots are 3300, 7365 and 15495: one on each of three masters. */
const hashTags = ['b', 'c', 'a'];

describe.skipIf(!canRun)(title, () => {
  let access: RedisAccess;
  let cluster: ThrowawayCluster;

  beforeAll(async () => {
    access = createRedisAccess();
    cluster = await startRedisCluster(access);
  });
  afterAll(async () => {
    await cluster.stop();
    access.remove();
  });

  function targetOf(password = access.password) {
    return testRedisTarget({
      MEMORY_REDIS_URL: `rediss://${access.username}:${password}@ignored`,
      MEMORY_REDIS_TLS_CA_FILE: access.caFile,
      // One that is not there, and one that knows the others.
      MEMORY_REDIS_CLUSTER_NODES: `127.0.0.1:1,127.0.0.1:${cluster.masters[0]?.port}`,
    });
  }

  test('jobs arrive whichever master has the slot of their prefix', async () => {
    const client = createRedisClients(targetOf()).openProducer(1_000, () => undefined);
    onTestFinished(() => client.disconnect());
    for (const tag of hashTags) {
      const queue = await openQueueRoundTrip(targetOf(), `${randomUUID()}{${tag}}`);
      // As many at once as there are, and none is refused.
      await Promise.all(
        ['x', 'y', 'z'].map((name) => queue.producer.add('notify', { v: 1, tenantId: `${tag}${name}` })),
      );
      await queue.roundTrip(tag);
    }
    const masters = client instanceof Cluster ? client.nodes('master') : [];
    const keys = await Promise.all(masters.map((master) => master.dbsize()));
    expect(keys).toEqual([expect.any(Number), expect.any(Number), expect.any(Number)]);
    expect(Math.min(...keys)).toBeGreaterThan(0);
  });

  test('security: a wrong password is said, and not shown', async () => {
    await expectRefusal(targetOf('a-wrong-secret'), /WRONGPASS/, 'a-wrong-secret');
  });

  test('producers are refused while the master of their slot is away, and both sides go on when it is back', async () => {
    const queue = await openQueueRoundTrip(targetOf(), `${randomUUID()}{a}`);
    await queue.roundTrip('before');

    const last = cluster.masters.at(-1);
    await last?.kill();
    for (let call = 0; call < 8; call += 1) {
      const add = queue.producer.add('notify', { v: 1, tenantId: 'lost' });
      await expect(add).rejects.toMatchObject({ code: 'unavailable' });
    }

    await last?.restart();
    await queue.roundTrip('after');
    expect(await queue.health()).toEqual({ status: 'ok' });
  });

  test('both sides go on when a master was frozen for longer than a worker waits for its answer', async () => {
    const queue = await openQueueRoundTrip(targetOf(), `${randomUUID()}{a}`);
    await queue.roundTrip('before');

    const last = cluster.masters.at(-1);
    last?.freeze();
    onTestFinished(() => last?.thaw());
    // The worker's wait for a job is 5 s; after another second BullMQ connects it again, into a cluster that is down.
    await delay(8_000);
    await expect(queue.producer.add('notify', { v: 1, tenantId: 'lost' })).rejects.toMatchObject({
      code: 'unavailable',
    });

    last?.thaw();
    await queue.roundTrip('after');
  });
});
