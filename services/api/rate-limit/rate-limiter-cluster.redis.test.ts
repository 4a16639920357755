import { eventually } from '@memory-layer/shared/testing/eventually';
import { randomUUID } from 'node:crypto';
import { createRedisClients } from '@memory-layer/shared/redis/redis-client';
import { testRedisTarget } from '@memory-layer/shared/testing/redis-target';
import { canStartRedis, startRedisCluster, type ThrowawayCluster } from '@memory-layer/shared/testing/redis-topology';
import { Cluster } from 'ioredis';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createRateLimiters } from './rate-limiter.ts';

const canRun = canStartRedis();
const title = canRun ? 'rate limits' : 'rate limits (skipped: needs TEST_REDIS_URL and a redis-server)';
const rates = { address: undefined, key: { requests: 5, windowSeconds: 60 }, tenant: undefined };

describe.skipIf(!canRun)(`${title} on a Redis Cluster`, () => {
  let cluster: ThrowawayCluster;
  beforeAll(async () => {
    cluster = await startRedisCluster();
  });
  afterAll(() => cluster.stop());

  async function limiterOfAProcess(prefix: string) {
    const target = testRedisTarget({ MEMORY_REDIS_CLUSTER_NODES: `127.0.0.1:${cluster.masters[0]?.port}` });
    const client = createRedisClients(target).openProducer(1_000, () => undefined);
    onTestFinished(() => client.disconnect());
    await eventually(() => expect(client.status).toBe('ready'));
    const { key } = createRateLimiters(rates, { client, prefix });
    if (key === undefined || !(client instanceof Cluster)) throw new Error('no limiter on a cluster');
    return { limiter: key, client };
  }

  test('two processes count together, under keys of the configured prefix', async () => {
    const [prefix, subject] = [`{test-${randomUUID()}}`, randomUUID()];
    const [one, other] = [await limiterOfAProcess(prefix), await limiterOfAProcess(prefix)];
    const allowed = [];
    for (let n = 0; n < 7; n++) {
      allowed.push((await (n % 2 === 0 ? one : other).limiter.consume(subject))?.allowed);
    }
    expect(allowed).toEqual([true, true, true, true, true, false, false]);

    const keys = await Promise.all(one.client.nodes('master').map((master) => master.keys('*')));
    expect(keys.flat()).toEqual([`${prefix}:rate:key:${subject}`]);
  });
});
