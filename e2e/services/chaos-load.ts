import { setTimeout as sleep } from 'node:timers/promises';
import type { Book } from './chaos-book.ts';
import { writeLetter, type Letter } from './chaos-letter.ts';
import { post, type Address } from './chaos-post.ts';
import type { Random } from './chaos-random.ts';

export interface ChaosLoad {
  /** No new letters; waits until those on their way have arrived. */
  stop(): Promise<void>;
}

export interface ChaosLoadOptions {
  /** Any of the apis, as a load balancer picks that has not noticed yet what is dead. */
  readonly pickApi: () => Address;
  readonly book: Book;
  readonly random: Random;
}

const senders = 6;
const pauseMs = 30;
const turnsOfTenant = 12;
const patienceMs = 5000;
// How long after the end of all faults a letter may still be refused.
const lastDeliveryMs = 60_000;

/**
 * Sends letters until it is stopped. A letter that is refused or lost is sent again until it is acknowledged; so is
 * one in ten that was acknowledged, and one in twenty is sent twice at once.
 */
export function startChaosLoad({ pickApi, book, random }: ChaosLoadOptions): ChaosLoad {
  let stoppedAt = Number.POSITIVE_INFINITY;

  async function attempt(letter: Letter, chance: Random): Promise<boolean> {
    // A client that goes away does not know what became of its letter.
    const timeoutMs = chance.chance(0.03) ? chance.int(1, 40) : patienceMs;
    const twin = chance.chance(0.05) ? post(letter, pickApi(), book, { timeoutMs }) : undefined;
    const delivery = await post(letter, pickApi(), book, { timeoutMs });
    return (await twin) === 'acknowledged' || delivery === 'acknowledged';
  }

  async function deliver(letter: Letter, chance: Random): Promise<void> {
    while (!(await attempt(letter, chance))) {
      if (letter.isAbandoned) return;
      if (Date.now() > stoppedAt + lastDeliveryMs) {
        book.contradict(`a ${letter.kind} could not be delivered`, letter.messages[0]?.external_id ?? '');
        return;
      }
      await sleep(chance.int(50, 300));
    }
    if (chance.chance(0.1)) await attempt(letter, chance);
  }

  const loops = Array.from({ length: senders }, async (_, sender) => {
    const chance = random.fork();
    for (let turn = 0; stoppedAt === Number.POSITIVE_INFINITY; turn++) {
      const tenantId = tenantOf(sender, turn, chance);
      await deliver(writeLetter({ name: `${sender}-${turn}`, tenantId }, chance), chance);
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
