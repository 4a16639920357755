import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectRefusal, openBellPost } from '../testing/redis-round-trip.ts';
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

describe.skipIf(!canRun).each([{ guarded: false }, { guarded: true }])(`${title}, guarded: $guarded`, ({ guarded }) => {
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

  function targetOf(passwords: { readonly redis?: string; readonly sentinel?: string } = {}) {
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

  if (guarded) {
    test('security: a wrong password of the master is said, and not shown', async () => {
      await expectRefusal(targetOf({ redis: wrongSecret }), /WRONGPASS/, wrongSecret);
    });

    test('security: a wrong password of the sentinel is said, and not shown', async () => {
      await expectRefusal(targetOf({ sentinel: wrongSecret }), /sentinels.*WRONGPASS/, wrongSecret);
    });
  }

  test('producers are refused while there is no master, and both sides go on with the next one', async () => {
    const post = await openBellPost(targetOf());
    await post.ring('before');

    await servers.master.kill();
    await expect(post.producer.add('ring', { v: 1, tenantId: 'lost' })).rejects.toMatchObject({ code: 'unavailable' });
    expect(await post.health()).toMatchObject({ status: 'down' });

    await post.ring('after');
    expect(await post.health()).toEqual({ status: 'ok' });
  });
});
