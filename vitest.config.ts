import { defineConfig } from 'vitest/config';
import { JsonReporter } from 'vitest/node';
import { AttackReporter } from './tooling/attack-reporter.ts';
import { LedgerReporter } from './tooling/ledger-reporter.ts';
import { SkippedTestsReporter } from './tooling/skipped-tests-reporter.ts';

// The workspace's packages are run from their sources, as `pnpm start` does; worker threads need it said to Node.
const source = 'memory-layer-source';

// Where CI wants the results as JSON, to count them.
const report = process.env['TEST_REPORT'];

export default defineConfig({
  resolve: { conditions: [source] },
  ssr: { resolve: { conditions: [source] } },
  test: {
    // Processes, not threads: tests start worker threads and native inference sessions of their own.
    pool: 'forks',
    maxWorkers: 2,
    // A title that holds a value shows all of it.
    taskTitleValueFormatTruncate: 0,
    execArgv: [`--conditions=${source}`],
    exclude: ['**/node_modules/**', '**/dist/**', '**/fixtures/**'],
    reporters: [
      'default',
      new SkippedTestsReporter(),
      new LedgerReporter(),
      new AttackReporter(process.env['ABUSE_REPORT_DIR']),
      ...(report ? [new JsonReporter({ outputFile: report })] : []),
    ],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          isolate: false,
          include: ['{packages,services,bench,e2e,tooling}/**/*.test.ts'],
          exclude: ['**/*.{db,redis,e2e,process,services,abuse}.test.ts'],
          testTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'db',
          // A process runs many files: it loads the sources and compiles the embedded engine once.
          isolate: false,
          include: ['{packages,services}/**/*.db.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'redis',
          include: ['{packages,services}/**/*.redis.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['e2e/**/*.e2e.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
      {
        extends: true,
        test: {
          // What becomes of a process: killed, stopped, started wrongly, with its log or its connections taken away.
          name: 'process',
          include: ['e2e/**/*.process.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
      {
        extends: true,
        test: {
          // The build of every service, each in a process of its own.
          name: 'services',
          include: ['e2e/services/*.services.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
      {
        extends: true,
        test: {
          // An attacker against a victim: timings, so nothing else runs beside it.
          name: 'abuse',
          include: ['e2e/abuse/**/*.abuse.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
