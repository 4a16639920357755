import { defineConfig } from 'vitest/config';

const source = { resolve: { conditions: ['memory-layer-source'] }, ssr: { resolve: { conditions: ['memory-layer-source'] } } };

export default defineConfig({
  ...source,
  test: {
    projects: [
      {
        ...source,
        test: {
          name: 'unit',
          include: ['{packages,services,bench,e2e}/**/*.test.ts'],
          exclude: ['**/*.{db,redis,e2e}.test.ts', '**/node_modules/**', '**/dist/**'],
        },
      },
      {
        ...source,
        test: { name: 'db', include: ['{packages,services}/**/*.db.test.ts'], exclude: ['**/node_modules/**', '**/dist/**'], testTimeout: 60_000, hookTimeout: 120_000 },
      },
      {
        ...source,
        test: { name: 'redis', include: ['{packages,services}/**/*.redis.test.ts'], exclude: ['**/node_modules/**', '**/dist/**'], testTimeout: 60_000, hookTimeout: 120_000 },
      },
      { ...source, test: { name: 'e2e', include: ['e2e/**/*.e2e.test.ts'], testTimeout: 180_000, hookTimeout: 180_000, fileParallelism: false } },
    ],
  },
});
