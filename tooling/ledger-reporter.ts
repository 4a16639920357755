import type { Reporter, TestModule } from 'vitest/node';

/** What a test sent to a running system, and what became of it. */
interface LedgerRow {
  readonly acknowledged: number;
  /** Requests that were refused for now. */
  readonly refused: number;
  readonly stored: number;
  readonly embedded: number;
  /** Acknowledged, and not stored. */
  readonly lost: number;
}

declare module 'vitest' {
  interface TaskMeta {
    /** Printed by {@link LedgerReporter} after the run. */
    ledger?: LedgerRow;
  }
}

const columns = ['acknowledged', 'refused', 'stored', 'embedded', 'lost'] as const;

/** Prints, after the run, a line for every test that left a ledger. */
export class LedgerReporter implements Reporter {
  onTestRunEnd(testModules: readonly TestModule[]): void {
    const rows = testModules.flatMap((testModule) =>
      Array.from(testModule.children.allTests(), (test) => ({ name: test.fullName, ledger: test.meta().ledger })),
    );
    const lines = rows.flatMap(({ name, ledger }) => (ledger === undefined ? [] : [line(name, ledger)]));
    if (lines.length === 0) return;
    const heading = columns.map((column) => column.padStart(width)).join('');
    console.log(['', ` What was sent, and what became of it`, heading, ...lines, ''].join('\n'));
  }
}

const width = 14;

function line(name: string, ledger: LedgerRow): string {
  return `${columns.map((column) => String(ledger[column]).padStart(width)).join('')}  ${name}`;
}
