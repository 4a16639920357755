import { alternate, atMost, productErrors, productMedian, type Row } from '../row.ts';
import { sampleLoad, type Sample } from '../sample.ts';
import { median } from '../statistics.ts';

const ratePerSecond = 500;

/** How long does a post take when the machine is not at its limit? */
export const paced: Row = {
  name: 'paced',
  what: `single posts, ${ratePerSecond} a second offered (open loop)`,
  baseline: 'bare Hono + zod at the same rate: what the generator itself adds',
  async measure(bench) {
    const { stack, options } = bench;
    await using bare = await stack.startBareServer();
    await using api = await stack.start('api');
    const { seconds, warmupSeconds, clients } = options;
    const shape = ['--mix', 'single', '--rate', `${ratePerSecond}`, '--clients', `${clients}`];
    const args = [...shape, '--seconds', `${seconds}`, '--warmup', `${warmupSeconds}`];
    const pairs = await alternate(
      options.runs,
      (run) => {
        const folder = bench.folderOf(`paced-bare-${run}`);
        return sampleLoad({ stack, url: bare.url, pids: { server: bare.pid }, args, folder });
      },
      async (run) => {
        await stack.forgetMessages();
        const folder = bench.folderOf(`paced-${run}`);
        return sampleLoad({ stack, url: api.url, pids: { api: api.pid }, args, folder });
      },
    );
    const bareP95 = median(pairs.map(({ baseline }) => p95(baseline)));
    return {
      pairs,
      notes: [`p95 of the bare server: ${bareP95} ms`],
      checks: [atMost('p95 ms', productMedian(pairs, p95), 15), atMost('errors', productErrors(pairs), 0)],
    };
  },
};

function p95({ latencyMs }: Sample): number {
  return latencyMs?.p95 ?? Number.NaN;
}
