import { setTimeout as sleep } from 'node:timers/promises';
import { createMessages, firstNumber } from '../../load/messages.ts';
import { Latencies } from '../../load/latencies.ts';
import { z } from 'zod';
import type { BenchProcess } from '../child-process.ts';
import { cpuSecondsOf } from '../process-use.ts';
import { atMost, type Row } from '../row.ts';

const pauseMs = 150;
const pollMs = 5;
const patienceMs = 10_000;
const warmup = 5;
const settleMs = 1000;

/** From the sending of a message to its vector, with nothing else to do. */
export const searchable: Row = {
  name: 'searchable',
  what: 'message to searchable, idle',
  baseline: '-',
  async measure({ stack, options }) {
    await stack.forgetMessages();
    await using api = await stack.start('api');
    await using worker = await stack.start('embed-worker');
    await sleep(settleMs);
    const cpuBefore = cpuSecondsOf(worker.pid);
    const messages = createMessages(1);
    const first = firstNumber();
    const latencies = new Latencies();
    let polled = 0;
    for (let n = 0; n < options.samples + warmup; n++) {
      const startedAt = performance.now();
      const waited = await postAndWait(api, stack.apiKey, messages(first + n));
      if (n >= warmup) latencies.record(performance.now() - startedAt);
      if (waited === 'polled') polled += 1;
      await sleep(pauseMs);
    }
    const latencyMs = latencies.summary();
    const how = polled === 0 ? 'all by Prefer: wait' : `${polled} found by asking every ${pollMs} ms`;
    const workerCpuSeconds = cpuSecondsOf(worker.pid) - cpuBefore;
    return {
      seen: { latencyMs, polled, workerCpuSeconds },
      notes: [how],
      checks: [atMost('p50 ms', latencyMs.p50, 150)],
    };
  },
};

const storedSchema = z.object({ id: z.string(), tenant_id: z.string(), embedding_status: z.string() });
type Stored = z.output<typeof storedSchema>;

async function postAndWait(api: BenchProcess, apiKey: string, message: object): Promise<'waited' | 'polled'> {
  const headers = { 'x-api-key': apiKey, 'content-type': 'application/json', prefer: 'wait=5' };
  const answer = await fetch(`${api.url}/v1/messages`, { method: 'POST', headers, body: JSON.stringify(message) });
  const stored = await parse(answer);
  if (stored.embedding_status === 'completed') return 'waited';
  const path = `/v1/messages/${stored.id}?tenant_id=${stored.tenant_id}`;
  for (const deadline = Date.now() + patienceMs; Date.now() < deadline; await sleep(pollMs)) {
    const found = await parse(await fetch(api.url + path, { headers: { 'x-api-key': apiKey } }));
    if (found.embedding_status === 'completed') return 'polled';
  }
  throw new Error(`a message was not searchable within ${patienceMs} ms`);
}

async function parse(answer: Response): Promise<Stored> {
  if (!answer.ok) throw new Error(`answered ${answer.status}: ${await answer.text()}`);
  return storedSchema.parse(await answer.json());
}
