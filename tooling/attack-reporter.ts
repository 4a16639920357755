import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Reporter, TestModule } from 'vitest/node';

/** Percentiles in milliseconds. */
interface Percentiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

interface ProcessUsage {
  readonly residentMb: number;
  readonly descriptors: number;
}

type Probes = Readonly<Partial<Record<string, { readonly latency: Percentiles }>>>;

/** What an attack did to a victim and to the process. */
interface AttackRow {
  /** Of the victim's requests, by kind. */
  readonly idle: Probes;
  readonly attacked: Probes;
  readonly eventLoopMaxMs: number;
  readonly before: ProcessUsage;
  readonly peak: ProcessUsage;
  readonly after: ProcessUsage;
  /** How the requests of the attack ended. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** How often the attack was run until it kept its limits, or was given up. */
  readonly runs: number;
  /** Limits that the last run passed. */
  readonly faults: readonly string[];
}

declare module 'vitest' {
  interface TaskMeta {
    /** Printed by {@link AttackReporter} after the run. */
    attack?: AttackRow;
  }
}

interface NamedRow extends AttackRow {
  readonly name: string;
}

const columns = [
  'attack',
  'list idle p50/p95/p99',
  'attacked',
  'search idle',
  'attacked',
  'livez p99 / max',
  'event loop max',
  'RSS before > peak > after, MB',
  'descriptors',
  'outcomes',
  'runs',
] as const;

/** Prints, after the run, a table of all attacks; and writes it to a folder as Markdown and JSON, if one is given. */
export class AttackReporter implements Reporter {
  readonly #folder: string | undefined;

  constructor(folder: string | undefined) {
    this.#folder = folder;
  }

  onTestRunEnd(testModules: readonly TestModule[]): void {
    const rows = testModules.flatMap((testModule) =>
      Array.from(testModule.children.allTests(), (test) => ({ name: test.name, attack: test.meta().attack })).flatMap(
        ({ name, attack }): NamedRow[] => (attack === undefined ? [] : [{ name, ...attack }]),
      ),
    );
    if (rows.length === 0) return;
    const table = tableOf(rows);
    console.log(`\n Attacker and victim, in milliseconds\n\n${table}\n${faultsOf(rows)}`);
    if (this.#folder === undefined) return;
    mkdirSync(this.#folder, { recursive: true });
    writeFileSync(join(this.#folder, 'attacks.md'), `${table}\n${faultsOf(rows)}`);
    writeFileSync(join(this.#folder, 'attacks.json'), `${JSON.stringify(rows, null, 2)}\n`);
  }
}

function tableOf(rows: readonly NamedRow[]): string {
  const cells = [columns, columns.map(() => '---'), ...rows.map(cellsOf)];
  return cells.map((line) => `| ${line.join(' | ')} |`).join('\n');
}

function cellsOf(row: NamedRow): string[] {
  const { before, peak, after } = row;
  const livez = row.attacked['livez']?.latency;
  const outcomes = Object.entries(row.outcomes).map(([outcome, count]) => `${count} x ${outcome}`);
  return [
    row.name,
    percentiles(row.idle, 'list'),
    percentiles(row.attacked, 'list'),
    percentiles(row.idle, 'search'),
    percentiles(row.attacked, 'search'),
    livez === undefined ? '' : `${ms(livez.p99)} / ${ms(livez.max)}`,
    ms(row.eventLoopMaxMs),
    `${before.residentMb} > ${peak.residentMb} > ${after.residentMb}`,
    `${before.descriptors} > ${peak.descriptors} > ${after.descriptors}`,
    outcomes.join(', '),
    String(row.runs),
  ];
}

/** A line for each limit that was passed in the last run of an attack. */
function faultsOf(rows: readonly NamedRow[]): string {
  return rows.flatMap(({ name, faults }) => faults.map((fault) => `- ${name}: ${fault}\n`)).join('');
}

function percentiles(probes: Probes, kind: string): string {
  const latency = probes[kind]?.latency;
  return latency === undefined ? '' : [latency.p50, latency.p95, latency.p99].map(ms).join('/');
}

function ms(value: number): string {
  if (!Number.isFinite(value)) return 'no answer';
  return value < 10 ? value.toFixed(1) : String(Math.round(value));
}
