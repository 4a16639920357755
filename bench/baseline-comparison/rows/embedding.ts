import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { BenchProcess } from '../../harness/child-process.ts';
import { Latencies } from '../../harness/latencies.ts';
import { createMessages, firstNumber } from '../../harness/messages.ts';
import { cpuSecondsOf } from '../../harness/process-use.ts';
import { alternate, atLeast, atMost, noErrors, ratioOf } from '../../harness/rounds.ts';
import type { Stack } from '../../harness/stack.ts';
import { insertRaw, load, type ComparisonRow } from '../bench.ts';
import { coresOf } from './writes.ts';

// More than a worker embeds in the time, with small models too.
const backlogPerSecond = 3000;
const pauseMs = 150;
const notCounted = 5;

/** What does embedding take from ingest on the same machine? */
export const busyWorker: ComparisonRow = {
  name: 'busy-worker',
  what: 'single posts, one niced embed worker busy',
  baseline: 'single posts, no worker',
  async measure(bench) {
    const { stack, options } = bench;
    const { seconds, warmup, clients } = options;
    await using api = await stack.start('api');
    const offered = { mix: 'single', clients };
    const backlog = Math.round(backlogPerSecond * (seconds + warmup + 2));
    const notes: string[] = [];
    // Both sides find the same tables.
    const prepare = async (run: number): Promise<void> => {
      await stack.forgetMessages();
      await insertRaw(bench, { rows: backlog }, run * backlog);
    };
    const pairs = await alternate(
      options.runs,
      async (run) => {
        await prepare(run);
        return load(bench, [api], `busy-worker-without-${run}`, offered);
      },
      async (run) => {
        await prepare(run);
        await using worker = await stack.start('embed-worker', { nice: options.nice });
        await pendingAtMost(stack, backlog - 1);
        const sample = await load(bench, [api, worker], `busy-worker-${run}`, offered);
        const pendingAtEnd = await stack.countPending();
        if (pendingAtEnd <= sample.items) notes.push(`run ${run}: the worker was dry at the end`);
        return { ...sample, more: { pendingAtEnd } };
      },
    );
    return {
      pairs,
      notes: [...notes, coresOf('worker', pairs[0]?.product)],
      checks: [atLeast('ratio of requests/s', ratioOf(pairs), 0.5), noErrors(pairs)],
    };
  },
};

/** Waits until no more are pending. @returns how many, and when. @throws when the worker takes longer than two minutes. */
export async function pendingAtMost(stack: Stack, most: number): Promise<{ pending: number; at: number }> {
  for (const deadline = Date.now() + 120_000; Date.now() < deadline; await sleep(100)) {
    const pending = await stack.countPending();
    if (pending <= most) return { pending, at: performance.now() };
  }
  throw new Error('the embed worker has a backlog and does not work on it');
}

/** From the sending of a message to its vector, with nothing else to do. */
export const searchable: ComparisonRow = {
  name: 'searchable',
  what: 'message to searchable, idle',
  baseline: '-',
  async measure({ stack, options }) {
    await stack.forgetMessages();
    await using api = await stack.start('api');
    await using worker = await stack.start('embed-worker');
    await sleep(1000);
    const cpuBefore = cpuSecondsOf(worker.pid);
    const messages = createMessages(1);
    const first = firstNumber();
    const latencies = new Latencies();
    for (let n = 0; n < options.samples + notCounted; n++) {
      const startedAt = performance.now();
      await postAndWait(api, stack.apiKey, messages(first + n));
      if (n >= notCounted) latencies.record(performance.now() - startedAt);
      await sleep(pauseMs);
    }
    const latencyMs = latencies.summary();
    const workerCpuSeconds = cpuSecondsOf(worker.pid) - cpuBefore;
    return { seen: { latencyMs, workerCpuSeconds }, checks: [atMost('p50 ms', latencyMs.p50, 150)] };
  },
};

const storedSchema = z.object({ embedding_status: z.string() });

/** @throws when the message is not embedded in the five seconds that the api waits for it. */
async function postAndWait(api: BenchProcess, apiKey: string, message: object): Promise<void> {
  const headers = { 'x-api-key': apiKey, 'content-type': 'application/json', prefer: 'wait=5' };
  const answer = await fetch(`${api.url}/v1/messages`, { method: 'POST', headers, body: JSON.stringify(message) });
  if (!answer.ok) throw new Error(`answered ${answer.status}: ${await answer.text()}`);
  const { embedding_status: status } = storedSchema.parse(await answer.json());
  if (status !== 'completed') throw new Error(`a message is ${status} after five seconds`);
}
