import { alternate, atLeast, atMost, productErrors, productMedian, ratioOf, type Bench, type Row } from '../row.ts';
import { sampleLoad, type Sample } from '../sample.ts';

/** Arguments of the load bench for single posts. */
export function singlePosts({ options }: Bench): string[] {
  const { clients, seconds, warmupSeconds } = options;
  return ['--mix', 'single', '--clients', `${clients}`, '--seconds', `${seconds}`, '--warmup', `${warmupSeconds}`];
}

/** How fast is a post that is durable, against one that is only read and checked? */
export const single: Row = {
  name: 'single',
  what: 'single posts',
  baseline: 'bare Hono + zod answering 202, same load generator',
  async measure(bench) {
    const { stack, options } = bench;
    await using bare = await stack.startBareServer();
    await using api = await stack.start('api');
    const args = singlePosts(bench);
    const pairs = await alternate(
      options.runs,
      (run) => {
        const folder = bench.folderOf(`single-bare-${run}`);
        return sampleLoad({ stack, url: bare.url, pids: { server: bare.pid }, args, folder });
      },
      async (run) => {
        await stack.forgetMessages();
        const folder = bench.folderOf(`single-${run}`);
        return sampleLoad({ stack, url: api.url, pids: { api: api.pid }, args, folder });
      },
    );
    return {
      pairs,
      notes: [coresOf('bare server', pairs[0]?.baseline), coresOf('api', pairs[0]?.product)],
      checks: [
        atLeast('ratio of requests/s', ratioOf(pairs), 0.4),
        atMost(
          'p99 ms',
          productMedian(pairs, ({ latencyMs }) => latencyMs?.p99 ?? Number.NaN),
          60,
        ),
        atMost('errors', productErrors(pairs), 0),
      ],
    };
  },
};

/** Who was at the limit: one thread has one core. */
export function coresOf(what: string, sample: Sample | undefined): string {
  const used = Object.entries(sample?.cpuUsPerItem ?? {}).map(
    ([name, us]) => `${name} ${((us * (sample?.perSecond ?? 0)) / 1e6).toFixed(2)}`,
  );
  return `cores used with the ${what}, first run: ${used.join(', ')}`;
}
