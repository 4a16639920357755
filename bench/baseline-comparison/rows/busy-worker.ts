import { setTimeout as sleep } from 'node:timers/promises';
import { alternate, atLeast, productErrors, ratioOf, atMost, type Row } from '../row.ts';
import { sampleLoad, sampleRawInsert } from '../sample.ts';
import type { Stack } from '../stack.ts';
import { coresOf, singlePosts } from './single.ts';

// More than a worker embeds in the time, with small models too.
const backlogPerSecond = 3000;

/** What does embedding take from ingest on the same machine? */
export const busyWorker: Row = {
  name: 'busy-worker',
  what: 'single posts, one niced embed worker busy',
  baseline: 'single posts, no worker',
  async measure(bench) {
    const { stack, options } = bench;
    await using api = await stack.start('api');
    const args = singlePosts(bench);
    const backlog = Math.round(backlogPerSecond * (options.seconds + options.warmupSeconds + 2));
    const notes: string[] = [];
    // Both sides find the same tables.
    const prepare = async (run: number): Promise<void> => {
      await stack.forgetMessages();
      await sampleRawInsert(stack, { rows: backlog }, run * backlog);
    };
    const pairs = await alternate(
      options.runs,
      async (run) => {
        await prepare(run);
        const folder = bench.folderOf(`busy-worker-without-${run}`);
        return sampleLoad({ stack, url: api.url, pids: { api: api.pid }, args, folder });
      },
      async (run) => {
        await prepare(run);
        await using worker = await stack.start('embed-worker', { nice: options.nice });
        await untilBusy(stack);
        const folder = bench.folderOf(`busy-worker-${run}`);
        const pids = { api: api.pid, 'embed-worker': worker.pid };
        const sample = await sampleLoad({ stack, url: api.url, pids, args, folder });
        const pending = await stack.countPending();
        if (pending <= sample.items) notes.push(`run ${run}: the worker was dry at the end`);
        return { ...sample, more: { pendingAtEnd: pending } };
      },
    );
    return {
      pairs,
      notes: [...notes, coresOf('worker', pairs[0]?.product)],
      checks: [atLeast('ratio of requests/s', ratioOf(pairs), 0.5), atMost('errors', productErrors(pairs), 0)],
    };
  },
};

/** Waits until a worker has taken something from the backlog. @throws when it does not within a minute. */
async function untilBusy(stack: Stack): Promise<void> {
  const before = await stack.countPending();
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await sleep(200)) {
    if ((await stack.countPending()) < before) return;
  }
  throw new Error('the embed worker has a backlog and does not work on it');
}
