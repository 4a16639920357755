import type { Reporter, TestModule } from 'vitest/node';

/** Why a project's tests skip themselves and how to run them; a test that says `ctx.skip(note)` speaks for itself. */
const reasons: Readonly<Record<string, string>> = {
  redis: 'TEST_REDIS_URL is not set; `pnpm test:redis` starts an installed redis-server and runs them',
  services: 'TEST_DATABASE_URL or TEST_REDIS_URL is not set; `pnpm test:services` builds, starts servers and runs them',
};

interface Skipped {
  readonly files: Set<string>;
  tests: number;
}

/** Prints, after the run, which tests were skipped, why, and how to run them. */
export class SkippedTestsReporter implements Reporter {
  onTestRunEnd(testModules: readonly TestModule[]): void {
    const lines = skippedTests(testModules);
    if (lines.length > 0) console.log(['', ' Skipped', ...lines.map((line) => `   ${line}`), ''].join('\n'));
  }
}

function skippedTests(testModules: readonly TestModule[]): string[] {
  const groups = new Map<string, Skipped>();
  for (const testModule of testModules) {
    const { name } = testModule.project;
    for (const test of testModule.children.allTests('skipped')) {
      const result = test.result();
      const note = result.state === 'skipped' ? result.note : undefined;
      const why = note ?? reasons[name] ?? 'marked as skipped in the source, or filtered out';
      const key = `${name}: ${why}`;
      const group = groups.get(key) ?? { files: new Set(), tests: 0 };
      groups.set(key, group);
      group.files.add(testModule.relativeModuleId);
      group.tests += 1;
    }
  }
  return Array.from(
    groups,
    ([key, { files, tests }]) => `${key}\n     ${tests} test(s) in ${[...files].toSorted().join(', ')}`,
  );
}
