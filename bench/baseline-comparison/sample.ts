import { readFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { LatencySummary } from '../load/latencies.ts';
import type { LoadReport } from '../load/report.ts';
import { runScript } from './child-process.ts';
import { cpuSecondsOf, cpuSecondsOfFamily } from './process-use.ts';
import type { RawInsertOutcome } from './raw-insert.ts';
import type { Stack } from './stack.ts';

/** One measured run of a baseline or of the product. */
export interface Sample {
  /** Requests, rows or lines. */
  readonly items: number;
  readonly perSecond: number;
  readonly errors: number;
  /** What they were: statuses and reasons, counted. */
  readonly failures?: Readonly<Record<string, number>>;
  readonly latencyMs?: LatencySummary;
  /** CPU of each process, in microseconds an item; what ran before the measuring, as its warm-up, included. */
  readonly cpuUsPerItem: Readonly<Record<string, number>>;
  /** Load average of the minute before: above the number of cores, others disturbed. */
  readonly loadAverage: number;
  readonly more?: Readonly<Record<string, number>>;
}

/** Processes by name. */
export type Pids = Readonly<Record<string, number>>;

/** Reads the CPU seconds of processes, PostgreSQL's and Redis's among them. */
export function cpuMeter(stack: Stack, pids: Pids): () => Readonly<Record<string, number>> {
  return () => ({
    ...Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, cpuSecondsOf(pid)])),
    ...(stack.postgresPid !== undefined && { postgres: cpuSecondsOfFamily(stack.postgresPid) }),
    ...(stack.redisPid !== undefined && { redis: cpuSecondsOf(stack.redisPid) }),
  });
}

export interface LoadRun {
  readonly stack: Stack;
  readonly url: string;
  readonly pids: Pids;
  /** Of bench/load. */
  readonly args: readonly string[];
  /** Where its report goes. */
  readonly folder: string;
  /** Messages of one request. */
  readonly itemsPerRequest?: number;
}

/** Runs the load bench in a process of its own. */
export async function sampleLoad(run: LoadRun): Promise<Sample & { readonly report: LoadReport }> {
  const { stack, url, pids, folder, itemsPerRequest = 1 } = run;
  const meter = cpuMeter(stack, pids);
  const loadAverage = loadavg()[0] ?? 0;
  const before = meter();
  const args = ['--url', url, '--key', stack.apiKey, '--out', folder, ...run.args];
  await runScript(new URL('../load/main.ts', import.meta.url), args);
  const after = meter();
  const report = parseReport(await readFile(join(folder, 'load.json'), 'utf8'));
  const { load, import: imported, generator } = report;
  const itemsInAll = (load?.answeredInAll ?? 0) * itemsPerRequest + (imported?.lines ?? 0);
  return {
    report,
    items: (load?.all.answered ?? 0) * itemsPerRequest + (imported?.stored ?? 0),
    perSecond: (load?.all.perSecond ?? 0) * itemsPerRequest + (imported?.linesPerSecond ?? 0),
    errors: (load?.errors ?? 0) + (imported?.errors ?? 0),
    failures: failuresOf(report),
    ...(load !== undefined && { latencyMs: load.all.latencyMs }),
    cpuUsPerItem: perItem(before, { ...after, generator: generator.cpuSeconds }, itemsInAll),
    loadAverage,
  };
}

function failuresOf({ load, import: imported }: LoadReport): Record<string, number> {
  const refused = Object.entries(load?.all.statuses ?? {}).filter(([status]) => !status.startsWith('2'));
  const examples = (imported?.examples ?? []).map((line) => [line, 1] as const);
  return { ...Object.fromEntries(refused), ...load?.unanswered, ...Object.fromEntries(examples) };
}

/** Inserts rows without the product. */
export async function sampleRawInsert(
  stack: Stack,
  amount: { readonly seconds: number } | { readonly rows: number },
  firstMessage: number,
): Promise<Sample> {
  const meter = cpuMeter(stack, {});
  const loadAverage = loadavg()[0] ?? 0;
  const before = meter();
  const [unit, value] = 'rows' in amount ? ['rows', amount.rows] : ['seconds', amount.seconds];
  const args = [stack.databaseUrl, unit, String(value), String(firstMessage)];
  const outcome = parseRawInsert(await runScript(new URL('./raw-insert.ts', import.meta.url), args));
  const after = meter();
  return {
    items: outcome.rows,
    perSecond: outcome.rowsPerSecond,
    errors: 0,
    cpuUsPerItem: perItem(before, { ...after, script: outcome.cpuSeconds }, outcome.rows),
    loadAverage,
  };
}

export function perItem(
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
  items: number,
): Record<string, number> {
  const use = ([name, seconds]: [string, number]) =>
    [name, Math.round(((seconds - (before[name] ?? 0)) / Math.max(1, items)) * 1e7) / 10] as const;
  return Object.fromEntries(Object.entries(after).map(use));
}

// Written by a script of this bench, whose type says what is in it.
function parseReport(text: string): LoadReport {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return JSON.parse(text) as LoadReport;
}

function parseRawInsert(text: string): RawInsertOutcome {
  return rawInsertOutcomeSchema.parse(JSON.parse(text));
}

const rawInsertOutcomeSchema = z.object({
  rows: z.number(),
  seconds: z.number(),
  rowsPerSecond: z.number(),
  cpuSeconds: z.number(),
});
