import { alternate, atLeast, atMost, productErrors, ratioOf, type Row } from '../row.ts';
import { sampleLoad, sampleRawInsert } from '../sample.ts';

const batchSize = 100;

/** What is left of the database's speed behind HTTP, JSON and validation? */
export const batch: Row = {
  name: 'batch',
  what: 'batches of 100',
  baseline: 'raw multi-row INSERT of 100 rows over 4 connections, same tables, same messages',
  async measure(bench) {
    const { stack, options } = bench;
    const { batchClients, seconds, warmupSeconds } = options;
    await using api = await stack.start('api');
    const shape = ['--mix', 'batch', '--batch-size', `${batchSize}`, '--clients', `${batchClients}`];
    const args = [...shape, '--seconds', `${seconds}`, '--warmup', `${warmupSeconds}`];
    const pairs = await alternate(
      options.runs,
      async (run) => {
        await stack.forgetMessages();
        return sampleRawInsert(stack, { seconds }, run * 1_000_000);
      },
      async (run) => {
        await stack.forgetMessages();
        const folder = bench.folderOf(`batch-${run}`);
        const pids = { api: api.pid };
        return sampleLoad({ stack, url: api.url, pids, args, folder, itemsPerRequest: batchSize });
      },
    );
    return {
      pairs,
      checks: [atLeast('ratio of rows/s', ratioOf(pairs), 0.6), atMost('errors', productErrors(pairs), 0)],
    };
  },
};
