import { readFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { LoadReport } from '../load/report.ts';
import { runScript, type BenchProcess } from './child-process.ts';
import type { LatencySummary } from './latencies.ts';
import { cpuSecondsOf, cpuSecondsOfFamily } from './process-use.ts';
import type { Stack } from './stack.ts';

/** What happened in a run of a baseline or of the product. */
export interface Outcome {
  /** Requests, rows or lines. */
  readonly items: number;
  readonly perSecond: number;
  readonly errors?: number | undefined;
  /** What they were: statuses and reasons, counted. */
  readonly failures?: Readonly<Record<string, number>>;
  readonly latencyMs?: LatencySummary | undefined;
  readonly more?: Readonly<Record<string, number>>;
}

/** An outcome with what it cost. */
export interface Sample extends Outcome {
  readonly errors: number;
  /** CPU of each process, in microseconds an item; what ran before the measuring, as its warm-up, included. */
  readonly cpuUsPerItem: Readonly<Record<string, number>>;
  /** Load average of the minute before: above the number of cores, others disturbed. */
  readonly loadAverage: number;
}

/** What a process that ends with its work has used, and for how many items, when that is more than is counted. */
interface OwnUse {
  readonly itemsInAll?: number;
  readonly cpuSeconds?: Readonly<Record<string, number>>;
}

/** Does something and reads what the processes, PostgreSQL and Redis have used for it. */
export async function measureUse<Found extends Outcome & OwnUse>(
  stack: Stack,
  processes: readonly BenchProcess[],
  work: () => Promise<Found>,
): Promise<Found & Sample> {
  const read = (): Readonly<Record<string, number>> => ({
    ...Object.fromEntries(processes.map(({ name, pid }) => [name, cpuSecondsOfFamily(pid)])),
    ...(stack.postgresPid !== undefined && { postgres: cpuSecondsOfFamily(stack.postgresPid) }),
    ...(stack.redisPid !== undefined && { redis: cpuSecondsOf(stack.redisPid) }),
  });
  const loadAverage = loadavg()[0] ?? 0;
  const before = read();
  const found = await work();
  const used = Object.entries({ ...read(), ...found.cpuSeconds });
  const items = Math.max(1, found.itemsInAll ?? found.items);
  const cpuUsPerItem = Object.fromEntries(
    used.map(([name, seconds]) => [name, Math.round(((seconds - (before[name] ?? 0)) / items) * 1e7) / 10]),
  );
  return { ...found, errors: found.errors ?? 0, cpuUsPerItem, loadAverage };
}

export interface LoadRun {
  readonly stack: Stack;
  /** The first one is the target; the CPU of all is read. */
  readonly processes: readonly [BenchProcess, ...BenchProcess[]];
  /** Where its report goes. */
  readonly folder: string;
  /** Options of bench/load. */
  readonly options: Readonly<Record<string, string | number>>;
  /** Messages of one request. */
  readonly itemsPerRequest?: number;
}

/** Runs bench/load in a process of its own. */
export async function sampleLoad({ stack, processes, folder, options, itemsPerRequest = 1 }: LoadRun) {
  const given: LoadRun['options'] = { url: processes[0].url, key: stack.apiKey, out: folder, ...options };
  const args = Object.entries(given).flatMap(([name, value]) => [`--${name}`, String(value)]);
  return measureUse(stack, processes, async () => {
    await runScript(new URL('../load/main.ts', import.meta.url), args);
    // Written by bench/load, whose type says what is in it.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    const report = JSON.parse(await readFile(join(folder, 'load.json'), 'utf8')) as LoadReport;
    const { load, import: imported, generator } = report;
    return {
      report,
      items: (load?.all.answered ?? 0) * itemsPerRequest + (imported?.stored ?? 0),
      itemsInAll: (load?.answeredInAll ?? 0) * itemsPerRequest + (imported?.lines ?? 0),
      perSecond: (load?.all.perSecond ?? 0) * itemsPerRequest + (imported?.linesPerSecond ?? 0),
      errors: (load?.errors ?? 0) + (imported?.errors ?? 0),
      failures: failuresOf(report),
      latencyMs: load?.all.latencyMs,
      cpuSeconds: { generator: generator.cpuSeconds },
    };
  });
}

function failuresOf({ load, import: imported }: LoadReport): Record<string, number> {
  const refused = Object.entries(load?.all.statuses ?? {}).filter(([status]) => !status.startsWith('2'));
  const examples = (imported?.examples ?? []).map((line) => [line, 1] as const);
  return { ...Object.fromEntries(refused), ...load?.unanswered, ...Object.fromEntries(examples) };
}

const ms = z.number();
const latencySchema = z.object({ mean: ms, p50: ms, p90: ms, p95: ms, p99: ms, p99_9: ms, max: ms });
const scriptSchema = z.object({
  items: z.number(),
  itemsInAll: z.number(),
  perSecond: z.number(),
  latencyMs: latencySchema.optional(),
  cpuSeconds: z.object({ script: z.number() }),
});

/** What a script that is a baseline prints as JSON. */
export type ScriptOutcome = z.output<typeof scriptSchema>;

/** Runs a baseline that needs no service. */
export async function sampleScript(stack: Stack, script: URL, args: readonly (string | number)[]): Promise<Sample> {
  return measureUse(stack, [], async () => {
    const printed = await runScript(script, [stack.databaseUrl, ...args.map(String)]);
    return scriptSchema.parse(JSON.parse(printed));
  });
}
