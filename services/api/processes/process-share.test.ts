import { ConfigError, loadEnv } from '@memory-layer/shared/config/load-config';
import { databaseEnv, toDatabaseConfig } from '@memory-layer/shared/db/database-config';
import { describe, expect, test } from 'vitest';
import { apiEnv, toApiConfig } from '../config.ts';
import { shareOfLimits, shareOfPools } from './process-share.ts';

const pools = (size: number, prepared: number) =>
  toDatabaseConfig(
    loadEnv(databaseEnv, {
      MEMORY_DATABASE_URL: 'postgres://memory@127.0.0.1/memory',
      MEMORY_DATABASE_POOL_SIZE: String(size),
      MEMORY_DATABASE_PREPARED_POOL_SIZE: String(prepared),
    }),
  );

describe('the connections of a process', () => {
  test.each([
    { size: 10, prepared: 10, processes: 1, expected: [10, 10] },
    { size: 10, prepared: 7, processes: 3, expected: [3, 2] },
    { size: 10, prepared: 0, processes: 10, expected: [1, 0] },
  ])('$size and $prepared of $processes', ({ size, prepared, processes, expected }) => {
    const { poolSize, preparedPoolSize } = shareOfPools(pools(size, prepared), processes);
    expect([poolSize, preparedPoolSize]).toEqual(expected);
  });

  test('fewer than processes are refused, by the names of both settings', () => {
    expect(() => shareOfPools(pools(2, 1), 3)).toThrow(ConfigError);
    expect(() => shareOfPools(pools(2, 1), 3)).toThrow(
      /MEMORY_DATABASE_POOL_SIZE: must be at least 3[^]*MEMORY_DATABASE_PREPARED_POOL_SIZE: must be at least 3/,
    );
  });
});

describe('the limits of a process', () => {
  const whole = toApiConfig(loadEnv(apiEnv, { MEMORY_MAX_CONNECTIONS: '101', MEMORY_EVENTS_MAX_STREAMS: '0' }));
  const share = shareOfLimits(whole, 4, { countsAlone: true });

  test('are an equal part, at least one, and none of none', () => {
    expect(share.connections.maxConnections).toBe(26);
    expect(share.ingest).toEqual({ writers: 1, maxQueuedBytes: whole.ingest.maxQueuedBytes / 4 });
    expect(share.reads).toMatchObject({ perTenant: 2, queuePerTenant: 25, total: 4, queueTotal: 250 });
    expect(share.bodyMemory.total).toBe(whole.bodyMemory.total / 4);
    expect(share.events).toMatchObject({ maxStreams: 0, maxStreamsPerTenant: 25, maxStreamsPerKey: 25 });
    expect(share.rates.tenant).toEqual({ requests: 750, windowSeconds: 60 });
  });

  test('rates are whole where all processes count in one store', () => {
    expect(shareOfLimits(whole, 4, { countsAlone: false }).rates).toEqual(whole.rates);
  });

  test('of one process are what is configured', () => {
    expect(shareOfLimits(whole, 1, { countsAlone: true })).toEqual(whole);
  });
});
