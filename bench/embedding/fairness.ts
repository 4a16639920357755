import { setTimeout as sleep } from 'node:timers/promises';
import { quantile, rounded } from './median.ts';
import * as pending from './pending-messages.ts';
import type { WorkerUnderTest } from './worker-under-test.ts';

/** Milliseconds from the commit of a message to the commit of its vector. */
export interface Latency {
  readonly p50: number;
  readonly p95: number;
  readonly max: number;
}

export interface Fairness {
  /** One message at a time, nothing else to do. */
  readonly idle: Latency;
  /** The same while another tenant's flood waits; the flood was not over at the last probe. */
  readonly duringFlood: Latency;
  readonly probesDuringFlood: number;
}

const pauseMs = 20;

async function probe({ db, producer, generation }: WorkerUnderTest, n: string): Promise<number> {
  const tenantId = 'second';
  await pending.storePending(db, generation, [{ tenantId, text: `Is there still a table free on Friday? ${n}` }]);
  const started = performance.now();
  await pending.enqueueFor(producer, generation, [tenantId]);
  await pending.untilEmbedded(db, tenantId);
  return performance.now() - started;
}

/** A second tenant sends single messages, first alone, then while a flood of one tenant is worked off. */
export async function measureFairness(
  worker: WorkerUnderTest,
  texts: readonly string[],
  probes: number,
): Promise<Fairness> {
  const { db, producer, generation } = worker;
  await pending.clear(db);
  const idle: number[] = [];
  for (let n = 0; n < probes; n += 1) {
    idle.push(await probe(worker, `idle ${n}`));
    await sleep(pauseMs);
  }
  await pending.storePending(
    db,
    generation,
    pending.spread(
      texts.map((text) => `${text} Flood.`),
      1,
      'flood',
    ),
  );
  await pending.enqueueFor(producer, generation, ['flood-0']);
  const flooded: number[] = [];
  for (let n = 0; n < probes; n += 1) {
    const took = await probe(worker, `flood ${n}`);
    if (!(await isPending(worker, 'flood-0'))) break;
    flooded.push(took);
    await sleep(pauseMs);
  }
  await pending.untilEmbedded(db);
  return { idle: latency(idle), duringFlood: latency(flooded), probesDuringFlood: flooded.length };
}

async function isPending({ db }: WorkerUnderTest, tenantId: string): Promise<boolean> {
  const row = await db
    .selectFrom('embedding_pending')
    .select('tenant_id')
    .where('tenant_id', '=', tenantId)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

function latency(values: readonly number[]): Latency {
  const at = (q: number): number => rounded(quantile(values, q));
  return { p50: at(0.5), p95: at(0.95), max: at(1) };
}
