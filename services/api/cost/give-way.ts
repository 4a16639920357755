import { setImmediate, setTimeout as sleep } from 'node:timers/promises';

export interface GiveWayOptions {
  /** What the request costs. */
  readonly units: number;
  /** Whether other tenants ask at the moment. */
  readonly hasOthers: () => boolean;
  readonly signal: AbortSignal;
}

/** Called between two parts of a request's work. */
export type GiveWay = () => Promise<void>;

/** An ordinary search costs less, however many words it has: nobody waits long for its statements. */
const costly = 3;
const longestPauseMs = 100;

/**
 * Lets others go first between the parts of a costly request, for as long as the part took, while other tenants ask:
 * the embedded engine runs one statement at a time, and the small statements of a neighbour all fit between two large
 * ones. Without the pause each would wait for a large one.
 *
 * @throws the signal's reason.
 */
export function createGiveWay({ units, hasOthers, signal }: GiveWayOptions): GiveWay {
  let begun = performance.now();
  return async () => {
    if (units < costly || !hasOthers()) return;
    const tookMs = performance.now() - begun;
    await sleep(Math.min(tookMs, longestPauseMs), undefined, { signal }).catch(() => signal.throwIfAborted());
    begun = performance.now();
  };
}

const sliceMs = 5;

/** To be called after each small piece of a long piece of work: once some milliseconds have passed, all else has a turn. */
export function createYielder(): () => Promise<void> {
  let begun = performance.now();
  return async () => {
    if (performance.now() - begun < sliceMs) return;
    await setImmediate();
    begun = performance.now();
  };
}
