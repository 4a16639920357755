import { rssMbOf } from '../process-use.ts';
import { alternate, atLeast, atMost, productErrors, productMedian, ratioOf, type Row } from '../row.ts';
import { sampleLoad, sampleRawInsert } from '../sample.ts';
import { mean } from '../statistics.ts';

const sampleMs = 100;

/** The same through a stream, and whether its length is seen in memory. */
export const stream: Row = {
  name: 'stream',
  what: 'one NDJSON stream',
  baseline: 'the same raw INSERT, as many rows',
  async measure(bench) {
    const { stack, options } = bench;
    await using api = await stack.start('api');
    const load = { stack, url: api.url, pids: { api: api.pid } };
    const pairs = await alternate(
      options.runs,
      async (run) => {
        await stack.forgetMessages();
        return sampleRawInsert(stack, { rows: options.lines }, run * options.lines);
      },
      async (run) => {
        await stack.forgetMessages();
        const rss: number[] = [];
        const sampling = setInterval(() => rss.push(rssMbOf(api.pid)), sampleMs);
        try {
          const folder = bench.folderOf(`stream-${run}`);
          const sample = await sampleLoad({ ...load, args: ['--import', `${options.lines}`], folder });
          return { ...sample, more: { ...growth(rss), firstOutcomeMs: sample.report.import?.firstOutcomeMs ?? 0 } };
        } finally {
          clearInterval(sampling);
        }
      },
    );
    return {
      pairs,
      checks: [
        atLeast('ratio of rows/s', ratioOf(pairs), 0.7),
        atMost(
          'memory of the last quarter over the second',
          productMedian(pairs, ({ more }) => more?.['rssGrowth'] ?? Number.NaN),
          1.1,
        ),
        atMost('errors', productErrors(pairs), 0),
      ],
    };
  },
};

/** The first quarter is left out: heaps and caches find their size. */
function growth(rss: readonly number[]): Record<string, number> {
  const quarter = Math.floor(rss.length / 4);
  const second = mean(rss.slice(quarter, 2 * quarter));
  const last = mean(rss.slice(-quarter));
  return { rssGrowth: last / second, rssMbAtFirst: rss[0] ?? 0, rssMbAtMost: Math.max(...rss) };
}
