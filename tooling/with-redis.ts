// Runs a command with TEST_REDIS_URL: the one that is set, or a throwaway redis-server of its own.
//   node tooling/with-redis.ts vitest run --project redis
import { startRedis } from './servers/redis-server.ts';
import { runBesideServer } from './servers/run-beside-server.ts';

process.exitCode = await runBesideServer('TEST_REDIS_URL', process.argv.slice(2), startRedis);
