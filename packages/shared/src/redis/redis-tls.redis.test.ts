import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createQueueBackend } from '../queue/create-queue-backend.ts';
import { expectRefusal, openQueueRoundTrip } from '../testing/redis-round-trip.ts';
import { testRedisTarget } from '../testing/redis-target.ts';
import { canStartRedis, createRedisAccess, startGuardedRedis, type RedisAccess } from '../testing/redis-topology.ts';

const canRun = canStartRedis();
const title = canRun ? 'Redis by TLS' : 'Redis by TLS (skipped: needs TEST_REDIS_URL and a redis-server)';

describe.skipIf(!canRun)(title, () => {
  let access: RedisAccess;
  let server: Awaited<ReturnType<typeof startGuardedRedis>>;

  beforeAll(async () => {
    access = createRedisAccess();
    server = await startGuardedRedis(access);
  });
  afterAll(async () => {
    await server.stop();
    access.remove();
  });

  const urlOf = (password = access.password, host = '127.0.0.1') =>
    `rediss://${access.username}:${password}@${host}:${server.port}/1`;
  const targetOf = (url: string) => testRedisTarget({ MEMORY_REDIS_URL: url, MEMORY_REDIS_TLS_CA_FILE: access.caFile });

  test('a job arrives for a user with a password, in a database of its own', async () => {
    const queue = await openQueueRoundTrip(targetOf(urlOf()));
    await queue.roundTrip('acme');
    expect(queue.errors).toEqual([]);
  });

  test('security: a wrong password is said, and not shown', async () => {
    await expectRefusal(targetOf(urlOf('a-wrong-secret')), /WRONGPASS/, 'a-wrong-secret');
  });

  test('security: a server is refused whose authority is not known', async () => {
    await expectRefusal(testRedisTarget(urlOf()), /certificate/, access.password);
  });

  test('security: a server is refused whose certificate is of another host', async () => {
    await expectRefusal(targetOf(urlOf(access.password, 'localhost')), /does not match certificate/, access.password);
  });

  test('an authority that cannot be read is an error of the configuration', () => {
    const target = testRedisTarget({ MEMORY_REDIS_URL: urlOf(), MEMORY_REDIS_TLS_CA_FILE: '/nowhere/ca.pem' });
    expect(() => createQueueBackend({ kind: 'redis', target })).toThrow(/MEMORY_REDIS_TLS_CA_FILE: cannot be read/);
  });
});
