import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Target } from './closed-loop.ts';
import { Latencies, type LatencySummary } from '../harness/latencies.ts';
import { createRequests, sequence, type LoadRequest, type Mix } from './mix.ts';
import type { Messages } from '../harness/messages.ts';
import type { Outcomes } from './outcomes.ts';
import { createRandom } from '../harness/random.ts';

export interface OpenLoopPlan {
  readonly mix: Mix;
  readonly messages: Messages;
  readonly firstMessage: number;
  readonly batchSize: number;
  readonly searches?: readonly string[] | undefined;
  /** Requests offered a second, evenly spaced. */
  readonly rate: number;
  readonly seconds: number;
  /** Connections at most; a request that finds all of them busy waits, and its wait counts. */
  readonly clients: number;
}

const timeoutMs = 20_000;
const mixLength = 1000;

/**
 * Sends at a fixed rate whatever the target does, as independent users would. Latency counts from the moment a
 * request was due, so a stall is seen by all the requests that fall into it (no coordinated omission, see Tene,
 * "How NOT to measure latency").
 *
 * autocannon's own rate is not used: it sends a second's requests in one burst at its beginning, and its correction
 * counts a late answer once for each millisecond that it took, whatever the rate.
 *
 * @returns how late the generator itself was in sending; near the latencies, it is the generator that was measured.
 */
export async function runOpenLoop(target: Target, plan: OpenLoopPlan, outcomes: Outcomes): Promise<LatencySummary> {
  const send = createSender(target, plan.clients);
  const make = createRequests(plan.messages, plan.batchSize, plan.firstMessage, plan.searches);
  const kinds = sequence(plan.mix, mixLength, createRandom(1));
  const lateness = new Latencies();
  const total = Math.round(plan.rate * plan.seconds);
  // Ten seconds behind, what is due is not sent but counted: the generator's memory has an end too.
  const mostUnderWay = Math.max(1000, plan.rate * 10);
  const startedAt = performance.now() + 10;
  const dueAt = (n: number): number => startedAt + (n * 1000) / plan.rate;
  const underWay = new Set<Promise<void>>();

  for (let n = 0; n < total;) {
    for (; n < total && dueAt(n) <= performance.now(); n++) {
      const due = dueAt(n);
      if (underWay.size >= mostUnderWay) {
        outcomes.unanswered('not sent');
        continue;
      }
      const request = make(kinds[n % kinds.length] ?? 'single');
      lateness.record(performance.now() - due);
      const answer = send(request).then(
        (status) => outcomes.answered(request.kind, status, performance.now() - due),
        (error: unknown) => outcomes.unanswered(reasonOf(error)),
      );
      underWay.add(answer);
      void answer.finally(() => underWay.delete(answer));
    }
    await sleep(Math.max(1, Math.floor(dueAt(n) - performance.now())));
  }
  await Promise.all(underWay);
  return lateness.summary();
}

/** Posts over kept-alive connections; resolves to the status when the whole answer is there. */
function createSender({ url, apiKey }: Target, clients: number) {
  const secure = url.startsWith('https:');
  const [open, Agent] = secure ? [httpsRequest, HttpsAgent] : [httpRequest, HttpAgent];
  // First in, first out: no connection idles until the target closes it just when it is used again.
  const agent = new Agent({ keepAlive: true, maxSockets: clients, scheduling: 'fifo' });
  return async ({ path, body }: LoadRequest): Promise<number> => {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'x-api-key': apiKey,
    };
    const request = open(new URL(path, url), { method: 'POST', agent, headers, timeout: timeoutMs });
    request.on('timeout', () => request.destroy(new Error('timeout')));
    request.on('error', reject);
    request.on('response', (response) => {
      response.on('error', reject).on('end', () => resolve(response.statusCode ?? 0));
      response.resume();
    });
    request.end(body);
    return promise;
  };
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'error';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}
