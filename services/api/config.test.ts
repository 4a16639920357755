import { loadEnv } from '@memory-layer/shared/config/load-config';
import { expect, test } from 'vitest';
import { apiEnv, toApiConfig } from './config.ts';

const ratesOf = (env: Record<string, string>) => toApiConfig(loadEnv(apiEnv, env)).rates;

test('rates have defaults, can be set, and can be switched off', () => {
  const defaults = ratesOf({});
  expect(defaults.key).toEqual({ requests: 6000, windowSeconds: 60 });
  const rates = ratesOf({
    MEMORY_GLOBAL_RATE_LIMIT: 'off',
    MEMORY_KEY_RATE_LIMIT: '5/second',
    MEMORY_TENANT_RATE_LIMIT: 'off',
  });
  expect(rates).toEqual({ address: undefined, key: { requests: 5, windowSeconds: 1 }, tenant: undefined });
});
