import { setTimeout as sleep } from 'node:timers/promises';
import type { History } from './chaos-history.ts';
import { makeRequest, type ChaosRequest } from './chaos-request.ts';
import { sendRequest, type Address } from './chaos-client.ts';
import type { Random } from './chaos-random.ts';

export interface ChaosLoad {
  /** No new requests; waits until those on their way have arrived. */
  stop(): Promise<void>;
}

export interface ChaosLoadOptions {
  /** Any of the apis, as a load balancer picks that has not noticed yet what is dead. */
  readonly pickApi: () => Address;
  readonly history: History;
  readonly random: Random;
}

const senders = 6;
const pauseMs = 30;
const turnsOfTenant = 12;
const patienceMs = 5000;
// How long after the end of all faults a request may still be refused.
const lastDeliveryMs = 60_000;

/**
 * Sends requests until it is stopped. A request that is refused or lost is sent again until it is acknowledged; so is
 * one in ten that was acknowledged, and one in twenty is sent twice at once.
 */
export function startChaosLoad({ pickApi, history, random }: ChaosLoadOptions): ChaosLoad {
  let stoppedAt = Number.POSITIVE_INFINITY;

  async function attempt(request: ChaosRequest, chance: Random): Promise<boolean> {
    // A client that goes away does not know what became of its request.
    const timeoutMs = chance.chance(0.03) ? chance.int(1, 40) : patienceMs;
    const twin = chance.chance(0.05) ? sendRequest(request, pickApi(), history, { timeoutMs }) : undefined;
    const delivery = await sendRequest(request, pickApi(), history, { timeoutMs });
    return (await twin) === 'acknowledged' || delivery === 'acknowledged';
  }

  async function deliver(request: ChaosRequest, chance: Random): Promise<void> {
    while (!(await attempt(request, chance))) {
      if (request.isAbandoned) return;
      if (Date.now() > stoppedAt + lastDeliveryMs) {
        history.contradict(`a ${request.kind} could not be delivered`, request.messages[0]?.external_id ?? '');
        return;
      }
      await sleep(chance.int(50, 300));
    }
    if (chance.chance(0.1)) await attempt(request, chance);
  }

  const loops = Array.from({ length: senders }, async (_, sender) => {
    const chance = random.fork();
    for (let turn = 0; stoppedAt === Number.POSITIVE_INFINITY; turn++) {
      const tenantId = tenantOf(sender, turn, chance);
      await deliver(makeRequest({ name: `${sender}-${turn}`, tenantId }, chance), chance);
      await sleep(pauseMs);
    }
  });

  return {
    async stop() {
      stoppedAt = Date.now();
      await Promise.all(loops);
    },
  };
}

/** One that everybody writes to, or one that falls silent after a while: no later job makes up for a lost one. */
function tenantOf(sender: number, turn: number, chance: Random): string {
  return chance.chance(0.3) ? 'busy' : `brief-${sender}-${Math.floor(turn / turnsOfTenant)}`;
}
