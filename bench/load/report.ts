import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImportOutcomes } from './import-stream.ts';
import type { LatencySummary } from './latencies.ts';
import type { LoadOutcomes } from './outcomes.ts';
import { drawPicture } from './picture.ts';

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
    const rows = [
      ...Object.entries(load.kinds),
      ...(Object.keys(load.kinds).length > 1 ? [['all', load.all] as const] : []),
    ];
    console.table(
      rows.map(([kind, { perSecond, latencyMs, statuses }]) => ({
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
      })),
    );
    for (const [reason, count] of Object.entries(load.unanswered)) console.log(`${count} without an answer: ${reason}`);
  }
  if (imported !== undefined) {
    const { examples, ...figures } = imported;
    console.table([figures]);
    for (const line of examples) console.log(`for example: ${line}`);
  }
  const { cpuSeconds, maxRssMb, latenessMs } = generator;
  const late = latenessMs === undefined ? '' : `; sent late by p50 ${latenessMs.p50} ms, p99 ${latenessMs.p99} ms`;
  console.log(`load generator: ${cpuSeconds} s of CPU, ${maxRssMb} MB at most${late}`);
}

function drawLoad({ url, startedAt }: LoadReport, load: LoadOutcomes): string {
  const kinds = Object.entries(load.kinds);
  const over = (pick: (latency: LatencySummary) => number) =>
    load.windows.map(({ fromSecond, latencyMs }) => [fromSecond, pick(latencyMs)] as const);
  return drawPicture(`${url}, ${startedAt}`, [
    {
      title: 'Latency histogram',
      xLabel: 'milliseconds',
      yLabel: 'share of requests',
      xScale: 'log',
      yScale: 'linear',
      steps: true,
      series: kinds.map(([name, { distribution }]) => ({ name, points: distribution })),
    },
    {
      title: 'Latency by percentile',
      xLabel: 'percentile',
      yLabel: 'milliseconds',
      xScale: 'log',
      yScale: 'log',
      xTicks: [
        [1, '0'],
        [2, '50'],
        [10, '90'],
        [20, '95'],
        [100, '99'],
        [1000, '99.9'],
        [1e4, '99.99'],
        [1e5, '99.999'],
      ],
      series: kinds.map(([name, { curve }]) => ({ name, points: curve })),
    },
    {
      title: 'Latency over time',
      xLabel: 'seconds',
      yLabel: 'milliseconds',
      xScale: 'linear',
      yScale: 'log',
      series: [
        { name: 'p50', points: over(({ p50 }) => p50) },
        { name: 'p95', points: over(({ p95 }) => p95) },
        { name: 'p99', points: over(({ p99 }) => p99) },
      ],
    },
    {
      title: 'Answers over time',
      xLabel: 'seconds',
      yLabel: 'per second',
      xScale: 'linear',
      yScale: 'linear',
      series: [
        { name: 'answered', points: load.windows.map(({ fromSecond, perSecond }) => [fromSecond, perSecond] as const) },
        { name: 'errors', points: load.windows.map(({ fromSecond, errors }) => [fromSecond, errors] as const) },
      ],
    },
  ]);
}
