import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LatencySummary } from '../harness/latencies.ts';
import { drawPicture, type Panel, type Series } from '../harness/picture.ts';
import { tableOf, type Line } from '../harness/table.ts';
import type { ImportOutcomes } from './import-stream.ts';
import type { KindOutcomes, LoadOutcomes, Window } from './outcomes.ts';

/** What `load.json` holds. Times in seconds and milliseconds, as the names say. */
export interface LoadReport {
  readonly url: string;
  readonly startedAt: string;
  /** As it was given: mix, clients, rate, … */
  readonly plan: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly load?: LoadOutcomes;
  readonly import?: ImportOutcomes;
  /** What the generator itself used: on one machine it takes its share from the target. */
  readonly generator: {
    readonly cpuSeconds: number;
    readonly maxRssMb: number;
    /** Open loop: how late requests were sent. */
    readonly latenessMs?: LatencySummary;
  };
}

/** Writes `load.json` and, for timed requests, `load.svg` into a folder. */
export async function writeReport(folder: string, report: LoadReport): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'load.json'), `${JSON.stringify(report, null, 2)}\n`);
  if (report.load !== undefined) await writeFile(join(folder, 'load.svg'), drawLoad(report, report.load));
}

export function printReport({ load, import: imported, generator }: LoadReport): void {
  if (load !== undefined) {
    const kinds = Object.entries(load.kinds);
    const rows = kinds.length > 1 ? [...kinds, ['all', load.all] as const] : kinds;
    console.log(tableOf(rows.map(([kind, outcomes]) => lineOf(kind, outcomes))));
    for (const [reason, count] of Object.entries(load.unanswered)) console.log(`${count} without an answer: ${reason}`);
  }
  if (imported !== undefined) {
    const { examples, ...figures } = imported;
    console.log(tableOf([figures]));
    for (const line of examples) console.log(`for example: ${line}`);
  }
  const { cpuSeconds, maxRssMb, latenessMs } = generator;
  const late = latenessMs === undefined ? '' : `; sent late by p50 ${latenessMs.p50} ms, p99 ${latenessMs.p99} ms`;
  console.log(`load generator: ${cpuSeconds} s of CPU, ${maxRssMb} MB at most${late}`);
}

function lineOf(kind: string, { perSecond, latencyMs, statuses }: KindOutcomes): Line {
  return {
    kind,
    'requests/s': perSecond,
    'p50 ms': latencyMs.p50,
    'p95 ms': latencyMs.p95,
    'p99 ms': latencyMs.p99,
    'p99.9 ms': latencyMs.p99_9,
    'max ms': latencyMs.max,
    statuses: Object.entries(statuses)
      .map(([status, count]) => `${status}: ${count}`)
      .join(', '),
  };
}

function panel(title: string, xLabel: string, yLabel: string, series: readonly Series[]): Panel {
  const xScale = xLabel === 'seconds' ? 'linear' : 'log';
  return { title, xLabel, yLabel, series, xScale, yScale: yLabel === 'milliseconds' ? 'log' : 'linear' };
}

const percentiles = [1, 2, 10, 20, 100, 1000, 1e4, 1e5].map((inverse) => [inverse, `${100 - 100 / inverse}`] as const);

function drawLoad({ url, startedAt }: LoadReport, load: LoadOutcomes): string {
  const kinds = Object.entries(load.kinds);
  const latency = (name: 'p50' | 'p95' | 'p99') => ({
    name,
    points: load.windows.map(({ fromSecond, latencyMs }) => [fromSecond, latencyMs[name]] as const),
  });
  const count = (name: string, of: (window: Window) => number) => ({
    name,
    points: load.windows.map((window) => [window.fromSecond, of(window)] as const),
  });
  const histogram = kinds.map(([name, { distribution }]) => ({ name, points: distribution }));
  const curves = kinds.map(([name, { curve }]) => ({ name, points: curve }));
  return drawPicture(`${url}, ${startedAt}`, [
    { ...panel('Latency histogram', 'milliseconds', 'share of requests', histogram), steps: true },
    { ...panel('Latency by percentile', 'percentile', 'milliseconds', curves), xTicks: percentiles },
    panel('Latency over time', 'seconds', 'milliseconds', [latency('p50'), latency('p95'), latency('p99')]),
    panel('Answers over time', 'seconds', 'per second', [
      count('answered', ({ perSecond }) => perSecond),
      count('errors', ({ errors }) => errors),
    ]),
  ]);
}
