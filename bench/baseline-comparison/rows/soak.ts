import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LoadReport } from '../../load/report.ts';
import { drawPicture } from '../../load/picture.ts';
import { ownMbOfFamily, rssMbOf } from '../process-use.ts';
import { atMost, type Bench, type Check, type Row } from '../row.ts';
import { sampleLoad, sampleRawInsert, type Pids } from '../sample.ts';
import type { Stack } from '../stack.ts';
import { mean, median, rounded, slope } from '../statistics.ts';

const backlog = 8000;
const momentsInAll = 120;

/** What is seen at one moment. */
interface Moment {
  readonly second: number;
  readonly pending: number;
  readonly memoryMb: Readonly<Record<string, number>>;
}

/** Half of what can be embedded, for long: does anything grow? */
export const soak: Row = {
  name: 'soak',
  what: 'half of the embedding rate offered, everything running',
  baseline: 'its own first third',
  async measure(bench) {
    const { stack } = bench;
    await stack.forgetMessages();
    await using api = await stack.start('api');
    await sampleRawInsert(stack, { rows: backlog }, 0);
    await using worker = await stack.start('embed-worker', { nice: bench.options.nice });
    const embeddedPerSecond = await embeddingRate(stack);
    await using retention = await stack.start('retention-worker');
    const pids = { api: api.pid, 'embed-worker': worker.pid, 'retention-worker': retention.pid };
    const rate = Math.max(1, Math.floor(embeddedPerSecond / 2));

    const { report, moments, cpuUsPerItem, failures } = await observe(bench, api.url, pids, rate);
    await writeFile(bench.folderOf('soak.svg'), draw(rate, moments, report));
    const windows = report.load?.windows ?? [];
    return {
      seen: { embeddedPerSecond, rate, cpuUsPerItem, failures, moments, windows },
      notes: [
        `embedding rate ${rounded(embeddedPerSecond)}/s, offered ${rate}/s`,
        ...memoryNotes(moments),
        ...Object.entries(failures ?? {}).map(([what, count]) => `${count} × ${what}`),
      ],
      checks: [...memoryChecks(moments), ...flatChecks(rate, moments, report)],
    };
  },
};

/** Messages a second that the worker takes from a backlog. */
async function embeddingRate(stack: Stack): Promise<number> {
  const until = async (most: number): Promise<{ pending: number; at: number }> => {
    for (const deadline = Date.now() + 120_000; Date.now() < deadline; await sleep(100)) {
      const pending = await stack.countPending();
      if (pending <= most) return { pending, at: performance.now() };
    }
    throw new Error('the embed worker does not work on its backlog');
  };
  const first = await until(backlog * 0.9);
  const last = await until(backlog * 0.2);
  await until(0);
  return ((first.pending - last.pending) * 1000) / (last.at - first.at);
}

async function observe(bench: Bench, url: string, pids: Pids, rate: number) {
  const { stack, options } = bench;
  const { soakSeconds, warmupSeconds, clients } = options;
  const moments: Moment[] = [];
  const over = new AbortController();
  const startedAt = performance.now();
  const looking = (async () => {
    while (!over.signal.aborted) {
      moments.push(await look(stack, pids, (performance.now() - startedAt) / 1000));
      await sleep((soakSeconds * 1000) / momentsInAll, undefined, { signal: over.signal }).catch(() => undefined);
    }
  })();
  const shape = ['--mix', 'single', '--rate', `${rate}`, '--clients', `${clients}`, '--window', `${soakSeconds / 10}`];
  const args = [...shape, '--seconds', `${soakSeconds}`, '--warmup', `${warmupSeconds}`, '--first', '10000000'];
  try {
    const sample = await sampleLoad({ stack, url, pids, args, folder: bench.folderOf('soak-load') });
    return { ...sample, moments };
  } finally {
    over.abort();
    await looking;
  }
}

async function look(stack: Stack, pids: Pids, second: number): Promise<Moment> {
  const services = Object.entries(pids).map(([name, pid]) => [name, rssMbOf(pid)] as const);
  return {
    second,
    pending: await stack.countPending(),
    memoryMb: {
      ...Object.fromEntries(services),
      ...(stack.postgresPid !== undefined && { postgres: ownMbOfFamily(stack.postgresPid) }),
      ...(stack.redisPid !== undefined && { redis: rssMbOf(stack.redisPid) }),
    },
  };
}

/** The last third against the one before it. In the first, heaps and caches find their size. */
function memoryChecks(moments: readonly Moment[]): Check[] {
  const third = Math.floor(moments.length / 3);
  return memoryNames(moments).map((name) => {
    const mb = moments.map(({ memoryMb }) => memoryMb[name] ?? 0);
    return atMost(
      `memory of ${name}, last third over the one before`,
      mean(mb.slice(-third)) / mean(mb.slice(third, -third)),
      1.05,
    );
  });
}

function memoryNotes(moments: readonly Moment[]): string[] {
  const settled = moments.slice(Math.floor(moments.length / 3));
  return memoryNames(moments).map((name) => {
    const points = settled.map(({ second, memoryMb }) => [second / 60, memoryMb[name] ?? 0] as const);
    return `${name}: ${rounded(median(points.map(([, mb]) => mb)))} MB, ${slope(points).toFixed(2)} MB a minute`;
  });
}

function memoryNames(moments: readonly Moment[]): string[] {
  return Object.keys(moments[0]?.memoryMb ?? {});
}

function flatChecks(rate: number, moments: readonly Moment[], { load }: LoadReport): Check[] {
  const p99 = (load?.windows ?? []).filter((window) => window.perSecond > 0).map(({ latencyMs }) => latencyMs.p99);
  const third = Math.max(1, Math.floor(p99.length / 3));
  return [
    atMost('p99 of the last third over the first', median(p99.slice(-third)) / median(p99.slice(0, third)), 1.5),
    // What comes in five seconds: a worker that keeps up has no more than a few batches before it.
    atMost(
      'pending in the second half',
      mean(moments.slice(moments.length >> 1).map(({ pending }) => pending)),
      rate * 5,
    ),
    atMost('errors', load?.errors ?? 0, 0),
  ];
}

function draw(rate: number, moments: readonly Moment[], { load }: LoadReport): string {
  const axes = { xLabel: 'seconds', xScale: 'linear', yScale: 'linear' } as const;
  const windows = load?.windows ?? [];
  return drawPicture(`Soak: ${rate} messages a second`, [
    {
      ...axes,
      title: 'Memory',
      yLabel: 'MB',
      series: memoryNames(moments).map((name) => ({
        name,
        points: moments.map(({ second, memoryMb }) => [second, memoryMb[name] ?? 0]),
      })),
    },
    {
      ...axes,
      title: 'Latency of posts',
      yLabel: 'milliseconds',
      series: (['p50', 'p95', 'p99'] as const).map((name) => ({
        name,
        points: windows.map(({ fromSecond, latencyMs }) => [fromSecond, latencyMs[name]]),
      })),
    },
    {
      ...axes,
      title: 'Pending',
      yLabel: 'messages',
      series: [{ name: 'pending', points: moments.map(({ second, pending }) => [second, pending]) }],
    },
  ]);
}
