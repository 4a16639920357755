import { cpus, loadavg } from 'node:os';
import { sql } from 'kysely';
import type { Row, RowResult } from './row.ts';
import type { Sample } from './sample.ts';
import type { Stack } from './stack.ts';
import { median, rounded } from './statistics.ts';

/** What figures depend on; without it they say nothing. */
export async function describeMachine({ db }: Stack) {
  const settings = await sql<{ name: string; setting: string }>`
    select name, setting from pg_settings
    where name in ('server_version', 'fsync', 'synchronous_commit', 'full_page_writes', 'shared_buffers')
  `.execute(db);
  return {
    at: new Date().toISOString(),
    cores: cpus().length,
    cpu: cpus()[0]?.model ?? 'unknown',
    node: process.version,
    loadAverage: loadavg().map(rounded),
    postgres: Object.fromEntries(settings.rows.map(({ name, setting }) => [name, setting])),
  };
}

export type MeasuredRow = Pick<Row, 'name' | 'what' | 'baseline'> & Partial<RowResult> & { readonly failure?: string };

/** The checks of a row, with the medians behind them. */
export function printRow({ name, what, baseline, checks = [], pairs = [], notes = [], failure }: MeasuredRow): void {
  console.log(`\n${name}: ${what}; baseline: ${baseline}`);
  if (failure !== undefined) console.log(`  could not be measured: ${failure}`);
  if (pairs.length > 0) {
    console.table({
      baseline: medians(pairs.map((pair) => pair.baseline)),
      product: medians(pairs.map((pair) => pair.product)),
    });
  }
  for (const check of checks) {
    console.log(`  ${check.passed ? 'reached' : 'MISSED '}  ${check.what}: ${check.value} (${check.target})`);
  }
  for (const note of notes) console.log(`  ${note}`);
  for (const [reason, count] of pairs.flatMap(({ product }) => Object.entries(product.failures ?? {}))) {
    console.log(`  ${count} × ${reason}`);
  }
}

/** One line a row, the first check of each being the one of the table. */
export function printSummary(rows: readonly MeasuredRow[]): void {
  console.log('');
  console.table(
    rows.map(({ name, what, baseline, checks = [], failure }) => ({
      row: name,
      what,
      baseline,
      'ratio or figure': checks[0]?.value ?? '-',
      target: checks[0]?.target ?? '-',
      outcome: failure === undefined ? missed(checks) : 'not measured',
    })),
  );
}

function missed(checks: NonNullable<MeasuredRow['checks']>): string {
  const names = checks.filter((check) => !check.passed).map((check) => check.what);
  return names.length === 0 ? 'reached' : `missed: ${names.join('; ')}`;
}

function medians(samples: readonly Sample[]): Record<string, number> {
  const of = (pick: (sample: Sample) => number | undefined): number =>
    rounded(median(samples.map((sample) => pick(sample) ?? Number.NaN)));
  const [first] = samples;
  const cpu = Object.keys(first?.cpuUsPerItem ?? {});
  const more = Object.keys(first?.more ?? {});
  return {
    'per s': of((sample) => sample.perSecond),
    ...(first?.latencyMs !== undefined && {
      'p50 ms': of(({ latencyMs }) => latencyMs?.p50),
      'p95 ms': of(({ latencyMs }) => latencyMs?.p95),
      'p99 ms': of(({ latencyMs }) => latencyMs?.p99),
    }),
    ...Object.fromEntries(cpu.map((name) => [`${name} us`, of(({ cpuUsPerItem }) => cpuUsPerItem[name])])),
    ...Object.fromEntries(more.map((name) => [name, of((sample) => sample.more?.[name])])),
    errors: samples.reduce((sum, { errors }) => sum + errors, 0),
    load: of(({ loadAverage }) => loadAverage),
  };
}
