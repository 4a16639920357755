import { expect, test } from 'vitest';
import { loadStandaloneConfig } from './config.ts';

test('settings that only services have are named, unless they are empty', () => {
  const env = { MEMORY_DATABASE_URL: 'postgres://memory@db/memory', MEMORY_READ_REPLICA_URLS: '' };
  expect(loadStandaloneConfig(env).withoutEffect).toEqual(['MEMORY_DATABASE_URL']);
  expect(loadStandaloneConfig({}).withoutEffect).toEqual([]);
});
