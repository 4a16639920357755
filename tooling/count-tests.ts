// Prints "PASSED FAILED SKIPPED", summed over the vitest JSON reports that are its arguments; and, as errors, the names
// of the failed tests.
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import type { JsonTestResults } from 'vitest/node';

// Of each file, the fewest skipped in any run: what one run skips for want of a server, another may have run.
const skippedByFile = new Map<string, number>();
let passed = 0;
let failed = 0;

for (const path of process.argv.slice(2)) {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- vitest wrote the file
  const report = JSON.parse(readFileSync(path, 'utf8')) as JsonTestResults;
  passed += report.numPassedTests;
  failed += report.numFailedTests;
  for (const { name, status, assertionResults } of report.testResults) {
    const ran = assertionResults.filter((test) => test.status === 'passed' || test.status === 'failed').length;
    const skipped = assertionResults.length - ran;
    skippedByFile.set(name, Math.min(skipped, skippedByFile.get(name) ?? skipped));
    for (const test of assertionResults) {
      if (test.status === 'failed') console.error(`FAILED ${relative('.', name)}: ${test.fullName}`);
    }
    // A file that cannot be loaded has no tests to count, but it failed.
    if (status === 'failed' && assertionResults.length === 0) {
      failed += 1;
      console.error(`FAILED ${relative('.', name)}`);
    }
  }
}

const skipped = skippedByFile.values().reduce((sum, count) => sum + count, 0);
console.log(passed, failed, skipped);
