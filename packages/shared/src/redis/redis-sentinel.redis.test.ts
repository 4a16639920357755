import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectRefusal, openQueueRoundTrip } from '../testing/redis-round-trip.ts';
import { testRedisTarget } from '../testing/redis-target.ts';
import {
  canStartRedis,
  createRedisAccess,
  startRedisSentinel,
  type RedisAccess,
  type ThrowawaySentinel,
} from '../testing/redis-topology.ts';

const canRun = canStartRedis();
const title = canRun ? 'Redis Sentinel' : 'Redis Sentinel (skipped: needs TEST_REDIS_URL and a redis-server)';
const wrongSecret = 'a-wrong-secret';

interface Passwords {
  readonly redis?: string;
  readonly sentinel?: string;
}

/** A topology of the suite's own, and how to reach it. */
function startSentinels({ guarded }: { readonly guarded: boolean }) {
  let access: RedisAccess | undefined;
  let servers: ThrowawaySentinel;

  beforeAll(async () => {
    access = guarded ? createRedisAccess() : undefined;
    servers = await startRedisSentinel(access);
  });
  afterAll(async () => {
    await servers.stop();
    access?.remove();
  });

  function target(passwords: Passwords = {}) {
    const sentinels = {
      MEMORY_REDIS_SENTINELS: `127.0.0.1:1,127.0.0.1:${servers.sentinel.port}`,
      MEMORY_REDIS_SENTINEL_NAME: servers.masterName,
    };
    if (access === undefined) return testRedisTarget({ ...sentinels, MEMORY_REDIS_URL: 'redis://ignored/2' });
    const { username, password, caFile } = access;
    return testRedisTarget({
      ...sentinels,
      MEMORY_REDIS_URL: `rediss://${username}:${passwords.redis ?? password}@ignored/2`,
      MEMORY_REDIS_TLS_CA_FILE: caFile,
      MEMORY_REDIS_SENTINEL_USERNAME: username,
      MEMORY_REDIS_SENTINEL_PASSWORD: passwords.sentinel ?? password,
    });
  }

  return { target, killMaster: () => servers.master.kill() };
}

describe.skipIf(!canRun).each([{ guarded: false }, { guarded: true }])(`${title}, guarded: $guarded`, (options) => {
  const sentinels = startSentinels(options);

  test('producers are refused while there is no master, and both sides go on with the next one', async () => {
    const queue = await openQueueRoundTrip(sentinels.target());
    await queue.roundTrip('before');

    await sentinels.killMaster();
    await expect(queue.producer.add('notify', { v: 1, tenantId: 'lost' })).rejects.toMatchObject({
      code: 'unavailable',
    });
    expect(await queue.health()).toMatchObject({ status: 'down' });

    await queue.roundTrip('after');
    expect(await queue.health()).toEqual({ status: 'ok' });
  });
});

describe.skipIf(!canRun)(`security: ${title}`, () => {
  const sentinels = startSentinels({ guarded: true });

  test('a wrong password of the master is said, and not shown', async () => {
    await expectRefusal(sentinels.target({ redis: wrongSecret }), /WRONGPASS/, wrongSecret);
  });

  test('a wrong password of the sentinel is said, and not shown', async () => {
    await expectRefusal(sentinels.target({ sentinel: wrongSecret }), /sentinels.*WRONGPASS/, wrongSecret);
  });
});
