import { expect, test } from 'vitest';
import { loadEnv } from '../config/load-config.ts';
import { queueEnv, toQueueConfig } from './queue-config.ts';

const contradictory = { MEMORY_REDIS_CLUSTER_NODES: 'one:6379', MEMORY_REDIS_PREFIX: 'plain' };
const read = (env: Readonly<Record<string, string>>) => toQueueConfig(loadEnv(queueEnv, env));

test('a queue on Redis has a prefix that is good for a cluster', () => {
  expect(read({})).toMatchObject({ kind: 'redis', redis: { target: { kind: 'single' }, prefix: '{memory-layer}' } });
  expect(read({ MEMORY_REDIS_CLUSTER_NODES: 'one:6379' })).toMatchObject({ redis: { target: { kind: 'cluster' } } });
  expect(() => read(contradictory)).toThrow(/MEMORY_REDIS_PREFIX/);
});

test('a queue on PostgreSQL asks nothing of the variables of Redis', () => {
  expect(read({ MEMORY_QUEUE: 'postgres', ...contradictory })).toEqual({ kind: 'postgres' });
});
