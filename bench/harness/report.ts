import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { sql, type Kysely } from 'kysely';
import type { Schema } from '@memory-layer/shared/db/schema';
import type { Check, Row, RowResult } from './rounds.ts';
import type { Sample } from './sample.ts';
import { median, rounded, sum } from './statistics.ts';
import { tableOf, type Line } from './table.ts';

/** The folder that was asked for, or a new temporary one. */
export async function makeFolder(given: string | undefined, name: string): Promise<string> {
  if (given === undefined) return mkdtemp(join(tmpdir(), `memory-layer-${name}-`));
  await mkdir(given, { recursive: true });
  return resolve(given);
}

/** What figures depend on; without it they say nothing. */
async function describeMachine(db: Kysely<Schema>) {
  const { rows } = await sql<{ name: string; setting: string }>`
    select name, setting from pg_settings
    where name in ('server_version', 'fsync', 'synchronous_commit', 'full_page_writes', 'shared_buffers')
  `.execute(db);
  const postgres = Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
  const cpu = cpus()[0]?.model ?? 'unknown';
  const load = loadavg().map(rounded);
  return { at: new Date().toISOString(), cores: cpus().length, cpu, node: process.version, load, postgres };
}

type MeasuredRow = Pick<Row<never>, 'name' | 'what' | 'baseline'> & Partial<RowResult> & { readonly failure?: string };

interface RunContext {
  readonly stack: { readonly db: Kysely<Schema> };
  readonly folder: string;
  readonly options: object;
}

/** Measures rows, prints each and all of them as tables, and writes `<name>.json`. */
export async function runRows<Context extends RunContext>(
  name: string,
  rows: readonly Row<Context>[],
  context: Context,
) {
  const machine = await describeMachine(context.stack.db);
  const measured: MeasuredRow[] = [];
  for (const row of rows) {
    console.error(`measuring ${row.name} …`);
    const result = await measureRow(row, context);
    measured.push(result);
    console.log(rowText(result));
    const text = JSON.stringify({ machine, options: context.options, rows: measured }, null, 2);
    // After every row: what is interrupted has kept what it had.
    await writeFile(join(context.folder, `${name}.json`), `${text}\n`);
  }
  console.log(`\n${tableOf(measured.map(summaryOf))}\n\nwritten to ${context.folder}`);
}

/** One row that cannot be measured does not keep the others from it. */
async function measureRow<Context>(row: Row<Context>, context: Context): Promise<MeasuredRow> {
  const { name, what, baseline } = row;
  try {
    return { name, what, baseline, ...(await row.measure(context)) };
  } catch (error) {
    return { name, what, baseline, failure: error instanceof Error ? error.message : String(error) };
  }
}

/** The checks of a row, with the medians behind them. */
function rowText({ name, what, baseline, checks = [], pairs = [], notes = [], failure }: MeasuredRow): string {
  const medians = [
    { side: 'baseline', ...mediansOf(pairs.map((pair) => pair.baseline)) },
    { side: 'product', ...mediansOf(pairs.map((pair) => pair.product)) },
  ];
  const reasons = pairs.flatMap(({ product }) => Object.entries(product.failures ?? {}));
  return [
    `\n${name}: ${what}; baseline: ${baseline}`,
    ...(failure === undefined ? [] : [`could not be measured: ${failure}`]),
    ...(pairs.length > 0 ? [tableOf(medians)] : []),
    ...checks.map((each) => `${each.passed ? 'reached' : 'MISSED '}  ${each.what}: ${each.value} (${each.target})`),
    ...notes,
    ...reasons.map(([reason, count]) => `${count} × ${reason}`),
  ].join('\n');
}

/** One line a row, the first check of each being the one of the table. */
function summaryOf({ name, what, baseline, checks = [], failure }: MeasuredRow): Line {
  const [first] = checks;
  const outcome = failure === undefined ? outcomeOf(checks) : 'not measured';
  return { row: name, what, baseline, 'ratio or figure': first?.value ?? '-', target: first?.target ?? '-', outcome };
}

function outcomeOf(checks: readonly Check[]): string {
  const missed = checks.filter((check) => !check.passed).map((check) => check.what);
  return missed.length === 0 ? 'reached' : `missed: ${missed.join('; ')}`;
}

function mediansOf(samples: readonly Sample[]): Line {
  const of = (pick: (sample: Sample) => number | undefined): number =>
    rounded(median(samples.map((sample) => pick(sample) ?? Number.NaN)));
  const [first] = samples;
  const percentiles = first?.latencyMs === undefined ? [] : (['p50', 'p95', 'p99'] as const);
  return {
    'per s': of((sample) => sample.perSecond),
    ...Object.fromEntries(percentiles.map((p) => [`${p} ms`, of(({ latencyMs }) => latencyMs?.[p])])),
    ...Object.fromEntries(
      Object.keys(first?.cpuUsPerItem ?? {}).map((by) => [`${by} us`, of((one) => one.cpuUsPerItem[by])]),
    ),
    ...Object.fromEntries(Object.keys(first?.more ?? {}).map((name) => [name, of((sample) => sample.more?.[name])])),
    errors: sum(samples.map(({ errors }) => errors)),
    load: of(({ loadAverage }) => loadAverage),
  };
}
