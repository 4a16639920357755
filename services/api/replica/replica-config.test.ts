import { describe, expect, test } from 'vitest';
import { loadEnv } from '@memory-layer/shared/config/load-config';
import { isReplicaFailure } from './read-replica.ts';
import { replicaEnv, toReplicaConfig } from './replica-config.ts';

const configOf = (env: Record<string, string>) => toReplicaConfig(loadEnv(replicaEnv, env));
const secret = 'hunter2hunter2';

describe('MEMORY_READ_REPLICA_URLS', () => {
  test('is a list, empty when nothing is said', () => {
    expect(configOf({})).toEqual({ urls: [], maxLagMs: 5000 });
    const urls = [`postgres://me:${secret}@one:5432/memory`, 'postgresql://two/memory?sslmode=verify-full'];
    expect(configOf({ MEMORY_READ_REPLICA_URLS: urls.join(', ') }).urls).toEqual(urls);
  });

  test.each([
    ['no URL', `me:${secret}@one`],
    ['another protocol', `mysql://me:${secret}@one/memory`],
    ['one of them wrong', `postgres://one/memory,${secret}`],
    ['one twice', `postgres://me:${secret}@one/memory,postgres://me:${secret}@one/memory`],
  ])('with %s is refused by name, and not shown', (_, urls) => {
    const load = () => configOf({ MEMORY_READ_REPLICA_URLS: urls });
    expect(load).toThrow(/MEMORY_READ_REPLICA_URLS: (?:must be postgres:|names a replica twice)/);
    expect(load).not.toThrow(secret);
  });
});

describe('what failed on a replica is tried on the primary', () => {
  const failure = (code: string) => Object.assign(new Error('failed'), { code });

  test.each([
    ['the replica is away', failure('ECONNREFUSED')],
    ['it shuts down', failure('57P01')],
    ['its replay needs what is read', failure('40001')],
    ['it does not have a new column yet', failure('42703')],
    ['its data are broken', failure('XX001')],
  ])('when %s', (_, error) => {
    expect(isReplicaFailure(error)).toBe(true);
  });

  test.each([
    ['took too long', failure('57014')],
    ['divides by zero', failure('22012')],
    ['is no error of the database', new Error('a bug')],
    ['is no error', 'thrown'],
  ])('but not when it %s', (_, error) => {
    expect(isReplicaFailure(error)).toBe(false);
  });
});
