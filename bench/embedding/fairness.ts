import { setTimeout as sleep } from 'node:timers/promises';
import type { Row } from '../harness/rounds.ts';
import { quantile, rounded } from '../harness/statistics.ts';
import * as pending from './pending-messages.ts';
import { readTexts } from './throughput.ts';
import type { EmbeddingBench } from './worker.ts';

const pauseMs = 20;
const secondTenant = 'second';

/** How long does a message of a second tenant wait for its vector while the flood of a first one is worked off? */
export const fairness: Row<EmbeddingBench> = {
  name: 'fairness',
  what: "from a message's row to its vector, one message at a time, while another tenant's flood waits",
  baseline: 'the same with nothing else to do',
  async measure(bench) {
    const { stack, options, worker } = bench;
    const { db } = stack;
    await pending.clear(db);
    const idle: number[] = [];
    for (let n = 0; n < options.probes; n += 1) idle.push(await probe(bench, `idle ${n}`));
    const texts = await readTexts(options);
    const flood = texts.map((text) => `${text} Flood.`);
    await pending.storePending(db, worker.generation, pending.spread(flood, 1, 'flood'));
    await pending.enqueueFor(worker.producer, worker.generation, ['flood-0']);
    const flooded: number[] = [];
    for (let n = 0; n < options.probes; n += 1) {
      const took = await probe(bench, `flood ${n}`);
      if (!(await pending.isPending(db, 'flood-0'))) break;
      flooded.push(took);
    }
    await pending.untilEmbedded(db);
    return {
      seen: { idle, flooded },
      notes: [`idle: ${summary(idle)}`, `while a flood of ${texts.length} waits: ${summary(flooded)}`],
      checks: [],
    };
  },
};

/** @returns milliseconds from the commit of a message to the commit of its vector. */
async function probe({ stack, worker }: EmbeddingBench, n: string): Promise<number> {
  const message = { tenantId: secondTenant, text: `Is there still a table free on Friday? ${n}` };
  await pending.storePending(stack.db, worker.generation, [message]);
  const startedAt = performance.now();
  await pending.enqueueFor(worker.producer, worker.generation, [secondTenant]);
  await pending.untilEmbedded(stack.db, secondTenant);
  const took = performance.now() - startedAt;
  await sleep(pauseMs);
  return took;
}

function summary(ms: readonly number[]): string {
  const at = (q: number): number => rounded(quantile(ms, q));
  return `p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, at most ${at(1)} ms (${ms.length} messages)`;
}
