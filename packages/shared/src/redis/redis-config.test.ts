import { describe, expect, test } from 'vitest';
import { ConfigError, loadEnv } from '../config/load-config.ts';
import { redisEnv, toRedisTarget } from './redis-config.ts';

const read = (env: Readonly<Record<string, string>>) => toRedisTarget(loadEnv(redisEnv, env));
const nobody = { username: undefined, password: undefined };
const sentinels = { MEMORY_REDIS_SENTINELS: 'one:26379, two:26380', MEMORY_REDIS_SENTINEL_NAME: 'main' };
const nodes = { MEMORY_REDIS_CLUSTER_NODES: '10.0.0.1:6379,[fd00::2]:6380' };

describe('one server', () => {
  test('is on this machine unless another one is named', () => {
    expect(read({})).toEqual({ kind: 'single', host: '127.0.0.1', port: 6379, db: 0, tls: undefined, ...nobody });
  });

  test.each([
    ['redis://cache', { host: 'cache', port: 6379, db: 0, ...nobody }],
    ['redis://cache:7000/3', { host: 'cache', port: 7000, db: 3, ...nobody }],
    ['redis://cache/', { host: 'cache', port: 6379, db: 0, ...nobody }],
    ['redis://:s3cret@cache', { host: 'cache', username: undefined, password: 's3cret' }],
    ['redis://me:p%40ss%2F%25@cache', { host: 'cache', username: 'me', password: 'p@ss/%' }],
    ['redis://[fd00::1]:7000', { host: 'fd00::1', port: 7000 }],
    ['redis://cache', { tls: undefined }],
    ['rediss://cache', { tls: { caFile: undefined } }],
  ])('%s', (url, expected) => {
    expect(read({ MEMORY_REDIS_URL: url })).toMatchObject({ kind: 'single', ...expected });
  });

  test('with a certificate authority of its own', () => {
    const target = read({ MEMORY_REDIS_URL: 'rediss://cache', MEMORY_REDIS_TLS_CA_FILE: '/etc/redis/ca.pem' });
    expect(target.tls).toEqual({ caFile: '/etc/redis/ca.pem' });
  });
});

test('sentinels stand in for the host; user, password, database and TLS are those of the URL', () => {
  const url = { MEMORY_REDIS_URL: 'rediss://me:s3cret@ignored:1/2' };
  const own = { MEMORY_REDIS_SENTINEL_USERNAME: 'asker', MEMORY_REDIS_SENTINEL_PASSWORD: 'own' };
  expect(read({ ...url, ...sentinels, ...own })).toEqual({
    kind: 'sentinel',
    sentinels: [
      { host: 'one', port: 26379 },
      { host: 'two', port: 26380 },
    ],
    masterName: 'main',
    sentinelUsername: 'asker',
    sentinelPassword: 'own',
    username: 'me',
    password: 's3cret',
    tls: { caFile: undefined },
    db: 2,
  });
});

test('cluster nodes stand in for the host; user, password and TLS are those of the URL', () => {
  expect(read({ MEMORY_REDIS_URL: 'rediss://me:s3cret@ignored', ...nodes })).toEqual({
    kind: 'cluster',
    nodes: [
      { host: '10.0.0.1', port: 6379 },
      { host: 'fd00::2', port: 6380 },
    ],
    username: 'me',
    password: 's3cret',
    tls: { caFile: undefined },
  });
});

describe('what is refused names the variable, and no value', () => {
  test.each([
    ['MEMORY_REDIS_URL', { MEMORY_REDIS_URL: 'http://me:s3cret@cache' }],
    ['MEMORY_REDIS_URL', { MEMORY_REDIS_URL: 's3cret' }],
    ['MEMORY_REDIS_URL', { MEMORY_REDIS_URL: 'redis://:s3cret%@cache' }],
    ['MEMORY_REDIS_URL', { MEMORY_REDIS_URL: 'redis://:s3cret@cache/main' }],
    ['MEMORY_REDIS_URL', { MEMORY_REDIS_URL: 'redis://:s3cret@cache?family=6' }],
    ['MEMORY_REDIS_URL', { MEMORY_REDIS_URL: 'redis:///1' }],
    ['MEMORY_REDIS_URL', { MEMORY_REDIS_URL: 'redis://:s3cret@ignored/1', ...nodes }],
    ['MEMORY_REDIS_PREFIX', { MEMORY_REDIS_PREFIX: 'memory-layer', ...nodes }],
    ['MEMORY_REDIS_PREFIX', { MEMORY_REDIS_PREFIX: '{}{memory-layer}', ...nodes }],
    ['MEMORY_REDIS_CLUSTER_NODES', { ...sentinels, ...nodes }],
    ['MEMORY_REDIS_CLUSTER_NODES', { MEMORY_REDIS_CLUSTER_NODES: 'no-port' }],
    ['MEMORY_REDIS_CLUSTER_NODES', { MEMORY_REDIS_CLUSTER_NODES: 'one:6379,two:65536' }],
    ['MEMORY_REDIS_SENTINELS', { ...sentinels, MEMORY_REDIS_SENTINELS: 'redis://:s3cret@one:26379' }],
    ['MEMORY_REDIS_SENTINELS', { ...sentinels, MEMORY_REDIS_SENTINELS: ',' }],
    ['MEMORY_REDIS_SENTINEL_NAME', { MEMORY_REDIS_SENTINELS: 'one:26379' }],
    ['MEMORY_REDIS_SENTINEL_NAME', { MEMORY_REDIS_SENTINEL_NAME: 'main' }],
    ['MEMORY_REDIS_SENTINEL_PASSWORD', { MEMORY_REDIS_SENTINEL_PASSWORD: 's3cret' }],
    ['MEMORY_REDIS_SENTINEL_PASSWORD', { ...sentinels, MEMORY_REDIS_SENTINEL_USERNAME: 'me' }],
    ['MEMORY_REDIS_TLS_CA_FILE', { MEMORY_REDIS_TLS_CA_FILE: '/etc/redis/s3cret.pem' }],
  ])('%s in %j', (variable, env) => {
    expect(() => read(env)).toThrow(ConfigError);
    expect(() => read(env)).toThrow(new RegExp(`^invalid configuration: ${variable}: [^\n]+$`));
    expect(() => read(env)).not.toThrow(/s3cret/);
  });

  test('all contradictions at once', () => {
    const env = { MEMORY_REDIS_URL: 'redis://cache/1', MEMORY_REDIS_PREFIX: 'plain', ...sentinels, ...nodes };
    expect(() => read(env)).toThrow(/CLUSTER_NODES: [^]*REDIS_URL: [^]*REDIS_PREFIX: /);
  });
});

test('without braces a prefix is good for what is no cluster', () => {
  expect(read({ MEMORY_REDIS_PREFIX: 'memory-layer', ...sentinels })).toMatchObject({ kind: 'sentinel' });
});
