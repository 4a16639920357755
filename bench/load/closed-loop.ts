import autocannon from 'autocannon';
import { createRequests, sequence, type Kind, type Mix } from './mix.ts';
import type { Messages } from '../harness/messages.ts';
import type { Outcomes } from './outcomes.ts';
import { createRandom, shuffled } from '../harness/random.ts';

/** Where requests go. */
export interface Target {
  readonly url: string;
  readonly apiKey: string;
}

export interface ClosedLoopPlan {
  readonly mix: Mix;
  readonly messages: Messages;
  readonly firstMessage: number;
  readonly batchSize: number;
  readonly searches?: readonly string[] | undefined;
  readonly clients: number;
  /** Ends by time, or after a number of requests. */
  readonly until: { readonly seconds: number } | { readonly requests: number };
}

/** Each client goes through its own requests in turn; messages repeat after that. */
const requestsOfClient = 20;
// A batch is large, and all bodies are in memory from the beginning.
const bodiesInMemory = 64_000_000;

/**
 * Every client sends its next request when it has the answer to the one before: this finds what the target can do
 * at most. Latencies are of answered requests alone, and a slow target is asked less often: for latency at a given
 * load use the open loop.
 */
export async function runClosedLoop(target: Target, plan: ClosedLoopPlan, outcomes: Outcomes): Promise<void> {
  const onlyKind = plan.mix.size === 1 ? plan.mix.keys().next().value : undefined;
  // autocannon calls onResponse, which knows the kind, right before it emits the response, which knows the latency.
  let kind: Kind = onlyKind ?? 'single';
  const requestsOf = requestsByClient(plan);
  const { promise: done, resolve, reject } = Promise.withResolvers<undefined>();
  const instance = autocannon(
    {
      url: target.url,
      connections: plan.clients,
      ...('seconds' in plan.until ? { duration: plan.until.seconds } : { amount: plan.until.requests }),
      timeout: 20,
      // How often it looks whether it is over, in milliseconds.
      sampleInt: 50,
      setupClient: (client) => {
        const requests = requestsOf();
        client.setRequests(
          requests.map((request) => ({
            method: 'POST',
            path: request.path,
            body: request.body,
            headers: { 'content-type': 'application/json', 'x-api-key': target.apiKey },
            ...(onlyKind === undefined && { onResponse: () => void (kind = request.kind) }),
          })),
        );
      },
    },
    (error: unknown) => (error == null ? resolve(undefined) : reject(error)),
  );
  instance.on('response', (_client, status, _bytes, latencyMs) => outcomes.answered(kind, status, latencyMs));
  instance.on('reqError', (error: unknown) => outcomes.unanswered(error instanceof Error ? error.message : 'error'));
  await done;
}

/** Makes the requests of the next client. The mix holds over all clients together. */
function requestsByClient({ mix, messages, firstMessage, batchSize, searches, clients, until }: ClosedLoopPlan) {
  const make = createRequests(messages, batchSize, firstMessage, searches);
  const random = createRandom(clients);
  const bytesOf = (kind: Kind): number => make(kind).body.length;
  const largest = Math.max(...[...mix.keys()].map(bytesOf));
  const affordable = Math.max(1, Math.floor(bodiesInMemory / clients / largest));
  const needed = 'requests' in until ? Math.ceil(until.requests / clients) : requestsOfClient;
  const each = Math.min(needed, affordable);
  let kinds: Kind[] = [];
  return () => {
    // As much as all clients need at once, so that a rare kind is not in every client's few requests.
    if (kinds.length < each) kinds = [...kinds, ...shuffled(sequence(mix, each * clients, random), random)];
    return kinds.splice(0, each).map(make);
  };
}
