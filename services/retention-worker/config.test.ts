import { loadEnv } from '@memory-layer/shared/config/load-config';
import { describe, expect, test } from 'vitest';
import { retentionEnv, toRetentionConfig } from './config.ts';

const load = (env: Record<string, string> = {}) => toRetentionConfig(loadEnv(retentionEnv, env));

describe('the retention worker configuration', () => {
  test('has the documented defaults: nothing is archived for its age', () => {
    expect(load()).toEqual({
      defaults: { maxAgeDays: undefined, ageOf: 'stored', importanceThreshold: undefined, deleteAfterDays: undefined },
      schedule: { everySeconds: 86_400, tenantIds: undefined },
      batchSize: 500,
      concurrency: 2,
      eventLogMinutes: 60,
      audit: { isOn: true, keepDays: 365 },
    });
  });

  test('is frozen all the way down', () => {
    expect(Object.isFrozen(load().schedule)).toBe(true);
  });

  test.each([
    ['*', undefined],
    ['acme, *', undefined],
    ['acme, other.corp', ['acme', 'other.corp']],
    ['auth0%7Ca1, %2A, a%2Cb', ['auth0|a1', '*', 'a,b']],
  ])('MEMORY_RETENTION_TENANTS=%s', (value, tenantIds) => {
    expect(load({ MEMORY_RETENTION_TENANTS: value }).schedule.tenantIds).toEqual(tenantIds);
  });

  test('age counts from created_at where that is said', () => {
    expect(load({ MEMORY_RETENTION_AGE_OF: 'created' }).defaults.ageOf).toBe('created');
    expect(() => load({ MEMORY_RETENTION_AGE_OF: 'updated' })).toThrow(/AGE_OF/);
  });

  test('refuses what the database would refuse', () => {
    const env = {
      MEMORY_RETENTION_MAX_AGE_DAYS: '0',
      MEMORY_RETENTION_IMPORTANCE_THRESHOLD: '1.5',
      MEMORY_RETENTION_TENANTS: 'a%b',
    };
    expect(() => load(env)).toThrow(/MAX_AGE_DAYS[\s\S]*IMPORTANCE_THRESHOLD[\s\S]*TENANTS/);
  });
});
