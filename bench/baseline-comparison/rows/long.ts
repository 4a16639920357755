import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchProcess } from '../../harness/child-process.ts';
import { drawPicture, type Panel } from '../../harness/picture.ts';
import { ownMbOfFamily, rssMbOf } from '../../harness/process-use.ts';
import { atMost } from '../../harness/rounds.ts';
import type { Stack } from '../../harness/stack.ts';
import { mean, median, rounded, slope, sum } from '../../harness/statistics.ts';
import { insertRaw, load, type Bench, type ComparisonRow } from '../bench.ts';
import { pendingAtMost } from './embedding.ts';

const linear = { xScale: 'linear', yScale: 'linear' } as const;

interface Step {
  readonly stored: number;
  readonly cpuUs: Readonly<Record<string, number>>;
}

/** Does a message cost more when there are many? In batches, where the database is most of the cost. */
export const growth: ComparisonRow = {
  name: 'growth',
  what: 'cost of a message as the tables grow (CPU of api, PostgreSQL and Redis; batches of 100)',
  baseline: 'the first window of messages',
  async measure(bench) {
    const { stack, options } = bench;
    await using api = await stack.start('api');
    const offer = (first: number) => {
      const batches = { mix: 'batch', 'batch-size': 100, requests: Math.round(options.window / 100) };
      return load(bench, [api], 'growth-load', { ...batches, clients: options.batchClients, first });
    };
    await offer(90_000_000);
    await stack.forgetMessages();
    const steps: Step[] = [];
    let errors = 0;
    for (let stored = 0; stored < options.stored;) {
      const sample = await offer(stored);
      if (sample.items === 0) throw new Error('nothing was stored');
      errors += sample.errors;
      stored += sample.items;
      const { generator: _, ...cpuUs } = sample.cpuUsPerItem;
      steps.push({ stored, cpuUs });
    }
    await writeFile(join(bench.folder, 'growth.svg'), drawGrowth(steps));
    const [first = Number.NaN, ...later] = steps.map(({ cpuUs }) => sum(Object.values(cpuUs)));
    const lastQuarter = later.slice(-Math.ceil(later.length / 4));
    return {
      seen: { steps },
      notes: [`the last quarter alone: ${(mean(lastQuarter) / first).toFixed(2)}`],
      checks: [atMost('ratio of CPU a message', mean(later) / first, 1.25), atMost('errors', errors, 0)],
    };
  },
};

function drawGrowth(steps: readonly Step[]): string {
  const series = Object.keys(steps[0]?.cpuUs ?? {}).map((name) => ({
    name,
    points: steps.map(({ stored, cpuUs }) => [stored, cpuUs[name] ?? 0] as const),
  }));
  const axes = { ...linear, xLabel: 'messages stored', yLabel: 'microseconds a message' };
  return drawPicture('Cost of a message as the tables grow', [{ ...axes, title: 'CPU', series }]);
}

const backlog = 8000;
const momentsInAll = 120;

/** What is seen at one moment. */
interface Moment {
  readonly second: number;
  readonly pending: number;
  readonly memoryMb: Readonly<Record<string, number>>;
}

/** Half of what can be embedded, for long: does anything grow? */
export const soak: ComparisonRow = {
  name: 'soak',
  what: 'half of the embedding rate offered, everything running',
  baseline: 'its own first third',
  async measure(bench) {
    const { stack, options } = bench;
    await stack.forgetMessages();
    await using api = await stack.start('api');
    await insertRaw(bench, { rows: backlog }, 0);
    await using worker = await stack.start('embed-worker', { nice: options.nice });
    const embeddedPerSecond = await embeddingRate(stack);
    await using retention = await stack.start('retention-worker');
    const rate = Math.max(1, Math.floor(embeddedPerSecond / 2));

    const { moments, report, cpuUsPerItem, failures, errors } = await observe(bench, [api, worker, retention], rate);
    const windows = (report.load?.windows ?? []).filter(({ perSecond }) => perSecond > 0);
    const p99 = windows.map(({ latencyMs }) => latencyMs.p99);
    const third = Math.max(1, Math.floor(p99.length / 3));
    const pending = mean(moments.slice(moments.length >> 1).map((moment) => moment.pending));
    const memory = memoryOf(moments);
    const percentile = (name: 'p50' | 'p95' | 'p99') => ({
      name,
      points: windows.map(({ fromSecond, latencyMs }) => [fromSecond, latencyMs[name]] as const),
    });
    const axes = { ...linear, xLabel: 'seconds' };
    const panels: Panel[] = [
      { ...axes, title: 'Memory', yLabel: 'MB', series: memory },
      {
        ...axes,
        title: 'Latency of posts',
        yLabel: 'milliseconds',
        series: (['p50', 'p95', 'p99'] as const).map(percentile),
      },
      {
        ...axes,
        title: 'Pending',
        yLabel: 'messages',
        series: [{ name: 'pending', points: moments.map((moment) => [moment.second, moment.pending]) }],
      },
    ];
    await writeFile(join(bench.folder, 'soak.svg'), drawPicture(`Soak: ${rate} messages a second`, panels));
    return {
      seen: { embeddedPerSecond, rate, cpuUsPerItem, failures, moments, windows },
      notes: [`embedding rate ${rounded(embeddedPerSecond)}/s, offered ${rate}/s`, ...memory.map(noteOf)],
      checks: [
        // In the first third, heaps and caches find their size.
        ...memory.map(({ name, points }) => {
          const [second, last] = [thirdOf(points, 1), thirdOf(points, 2)];
          return atMost(`memory of ${name}, last third over the one before`, mean(last) / mean(second), 1.05);
        }),
        atMost('p99 of the last third over the first', median(p99.slice(-third)) / median(p99.slice(0, third)), 1.5),
        // What comes in five seconds: a worker that keeps up has no more than a few batches before it.
        atMost('pending in the second half', pending, rate * 5),
        atMost('errors', errors, 0),
      ],
    };
  },
};

/** Messages a second that the worker takes from a backlog. */
async function embeddingRate(stack: Stack): Promise<number> {
  const first = await pendingAtMost(stack, backlog * 0.9);
  const last = await pendingAtMost(stack, backlog * 0.2);
  await pendingAtMost(stack, 0);
  return ((first.pending - last.pending) * 1000) / (last.at - first.at);
}

async function observe(bench: Bench, processes: readonly [BenchProcess, ...BenchProcess[]], rate: number) {
  const { soakSeconds: seconds, clients } = bench.options;
  const moments: Moment[] = [];
  const over = new AbortController();
  const startedAt = performance.now();
  const looking = (async () => {
    while (!over.signal.aborted) {
      moments.push(await look(bench.stack, processes, (performance.now() - startedAt) / 1000));
      await sleep((seconds * 1000) / momentsInAll, undefined, { signal: over.signal }).catch(() => undefined);
    }
  })();
  try {
    const offered = { mix: 'single', rate, clients, window: seconds / 10, seconds, first: 10_000_000 };
    return { ...(await load(bench, processes, 'soak-load', offered)), moments };
  } finally {
    over.abort();
    await looking;
  }
}

async function look(stack: Stack, processes: readonly BenchProcess[], second: number): Promise<Moment> {
  return {
    second,
    pending: await stack.countPending(),
    memoryMb: {
      ...Object.fromEntries(processes.map(({ name, pid }) => [name, rssMbOf(pid)])),
      ...(stack.postgresPid !== undefined && { postgres: ownMbOfFamily(stack.postgresPid) }),
      ...(stack.redisPid !== undefined && { redis: rssMbOf(stack.redisPid) }),
    },
  };
}

interface Memory {
  readonly name: string;
  readonly points: readonly (readonly [second: number, mb: number])[];
}

function memoryOf(moments: readonly Moment[]): Memory[] {
  return Object.keys(moments[0]?.memoryMb ?? {}).map((name) => ({
    name,
    points: moments.map(({ second, memoryMb }) => [second, memoryMb[name] ?? 0] as const),
  }));
}

function thirdOf(points: Memory['points'], which: number): number[] {
  const third = Math.floor(points.length / 3);
  const end = which === 2 ? points.length : (which + 1) * third;
  return points.slice(which * third, end).map(([, mb]) => mb);
}

function noteOf({ name, points }: Memory): string {
  const settled = points.slice(Math.floor(points.length / 3)).map(([second, mb]) => [second / 60, mb] as const);
  return `${name}: ${rounded(median(settled.map(([, mb]) => mb)))} MB, ${slope(settled).toFixed(2)} MB a minute`;
}
