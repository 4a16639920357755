import type { BenchProcess } from '../../harness/child-process.ts';
import { rssMbOf } from '../../harness/process-use.ts';
import {
  alternate,
  atLeast,
  atMost,
  baselineMedian,
  noErrors,
  p95,
  p99,
  productMedian,
  ratioOf,
} from '../../harness/rounds.ts';
import type { Sample } from '../../harness/sample.ts';
import { mean } from '../../harness/statistics.ts';
import { insertRaw, load, type Bench, type ComparisonRow } from '../bench.ts';

const batchSize = 100;
const pacedPerSecond = 500;
const memoryMs = 100;

/** How fast is a post that is durable, against one that is only read and checked? */
export const single: ComparisonRow = {
  name: 'single',
  what: 'single posts',
  baseline: 'bare Hono + zod answering 202, same load generator',
  async measure(bench) {
    const pairs = await besideBareServer(bench, 'single', { mix: 'single', clients: bench.options.clients });
    return {
      pairs,
      notes: [coresOf('bare server', pairs[0]?.baseline), coresOf('api', pairs[0]?.product)],
      checks: [
        atLeast('ratio of requests/s', ratioOf(pairs), 0.4),
        atMost('p99 ms', productMedian(pairs, p99), 60),
        noErrors(pairs),
      ],
    };
  },
};

/** How long does a post take when the machine is not at its limit? */
export const paced: ComparisonRow = {
  name: 'paced',
  what: `single posts, ${pacedPerSecond} a second offered (open loop)`,
  baseline: 'bare Hono + zod at the same rate: what the generator itself adds',
  async measure(bench) {
    const offered = { mix: 'single', clients: bench.options.clients, rate: pacedPerSecond };
    const pairs = await besideBareServer(bench, 'paced', offered);
    return {
      pairs,
      notes: [`p95 of the bare server: ${baselineMedian(pairs, p95)} ms`],
      checks: [atMost('p95 ms', productMedian(pairs, p95), 15), noErrors(pairs)],
    };
  },
};

async function besideBareServer(bench: Bench, name: string, offered: Readonly<Record<string, string | number>>) {
  await using bare = await bench.stack.startBareServer();
  await using api = await bench.stack.start('api');
  return await alternate(
    bench.options.runs,
    (run) => load(bench, [bare], `${name}-bare-${run}`, offered),
    (run) => loadOnEmpty(bench, api, `${name}-${run}`, offered),
  );
}

async function loadOnEmpty(
  bench: Bench,
  api: BenchProcess,
  name: string,
  offered: Readonly<Record<string, string | number>>,
) {
  await bench.stack.forgetMessages();
  return load(bench, [api], name, offered);
}

/** What is left of the database's speed behind HTTP, JSON and validation? */
export const batch: ComparisonRow = {
  name: 'batch',
  what: `batches of ${batchSize}`,
  baseline: 'raw multi-row INSERT of 100 rows over 4 connections, same tables, same messages',
  async measure(bench) {
    const { stack, options } = bench;
    await using api = await stack.start('api');
    const offered = { mix: 'batch', 'batch-size': batchSize, clients: options.batchClients };
    const pairs = await alternate(
      options.runs,
      async (run) => {
        await stack.forgetMessages();
        return insertRaw(bench, { seconds: options.seconds }, run * 1_000_000);
      },
      (run) => loadOnEmpty(bench, api, `batch-${run}`, offered),
    );
    return { pairs, checks: [atLeast('ratio of rows/s', ratioOf(pairs), 0.6), noErrors(pairs)] };
  },
};

/** The same through a stream, and whether its length is seen in memory. */
export const stream: ComparisonRow = {
  name: 'stream',
  what: 'one NDJSON stream',
  baseline: 'the same raw INSERT, as many rows',
  async measure(bench) {
    const { stack, options } = bench;
    const { lines } = options;
    await using api = await stack.start('api');
    const pairs = await alternate(
      options.runs,
      async (run) => {
        await stack.forgetMessages();
        return insertRaw(bench, { rows: lines }, run * lines);
      },
      async (run) => {
        const rss: number[] = [];
        const sampling = setInterval(() => rss.push(rssMbOf(api.pid)), memoryMs);
        try {
          const sample = await loadOnEmpty(bench, api, `stream-${run}`, { import: lines });
          return { ...sample, more: memoryOf(rss) };
        } finally {
          clearInterval(sampling);
        }
      },
    );
    const grown = productMedian(pairs, ({ more }) => more?.['rssGrowth'] ?? Number.NaN);
    return {
      pairs,
      checks: [
        atLeast('ratio of rows/s', ratioOf(pairs), 0.7),
        atMost('memory of the last quarter over the second', grown, 1.1),
        noErrors(pairs),
      ],
    };
  },
};

/** The first quarter is left out: heaps and caches find their size. */
function memoryOf(rss: readonly number[]): Record<string, number> {
  const quarter = Math.floor(rss.length / 4);
  const rssGrowth = mean(rss.slice(-quarter)) / mean(rss.slice(quarter, 2 * quarter));
  return { rssGrowth, rssMbAtMost: Math.max(...rss) };
}

/** Who was at the limit: one thread has one core. */
export function coresOf(what: string, sample: Sample | undefined): string {
  const used = Object.entries(sample?.cpuUsPerItem ?? {}).map(
    ([name, us]) => `${name} ${((us * (sample?.perSecond ?? 0)) / 1e6).toFixed(2)}`,
  );
  return `cores used with the ${what}, first run: ${used.join(', ')}`;
}
