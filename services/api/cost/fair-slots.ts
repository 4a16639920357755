/** The slot of one piece of work. */
export interface FairSlot {
  /** Waits for the turn of its key; at once while it is held. @param onWait called when there is no slot at once. */
  take(onWait?: () => void): Promise<void>;
  /** Harmless when it is not held. */
  giveBack(): void;
}

export interface FairSlotsOptions {
  /** Of all keys together. */
  readonly count: number;
  /** Three quarters of them when it is left out. */
  readonly perKey?: number;
}

const maxKeyShare = 3 / 4;

/**
 * Slots for work that is done at the same time, such as groups of lines of all import streams of this process. Where
 * more are asked for, keys take turns, so that twenty streams cost no more than one does.
 */
export class FairSlots {
  readonly #waiting = new Map<string, (() => void)[]>();
  readonly #heldByKey = new Map<string, number>();
  readonly #maxPerKey: number;
  #free: number;

  constructor({ count, perKey = Math.max(1, Math.floor(count * maxKeyShare)) }: FairSlotsOptions) {
    this.#free = count;
    this.#maxPerKey = perKey;
  }

  /** A slot that is not held yet. */
  open(key: string): FairSlot {
    let held: Promise<() => void> | undefined;
    return {
      take: async (onWait) => {
        held ??= this.acquire(key, onWait);
        await held;
      },
      giveBack: () => {
        void held?.then((release) => release());
        held = undefined;
      },
    };
  }

  /** @returns gives the slot back. */
  async acquire(key: string, onWait?: () => void): Promise<() => void> {
    if (this.#free > 0 && this.#mayHold(key)) this.#hold(key);
    else {
      const queue = this.#waiting.get(key) ?? [];
      this.#waiting.set(key, queue);
      onWait?.();
      await new Promise<void>((resolve) => queue.push(resolve));
    }
    let isHeld = true;
    return () => {
      if (isHeld) this.#release(key);
      isHeld = false;
    };
  }

  #mayHold(key: string): boolean {
    return (this.#heldByKey.get(key) ?? 0) < this.#maxPerKey;
  }

  #hold(key: string): void {
    this.#free -= 1;
    this.#heldByKey.set(key, (this.#heldByKey.get(key) ?? 0) + 1);
  }

  /** The slot goes to the key whose turn it is, which then goes to the end of the line. */
  #release(released: string): void {
    this.#free += 1;
    const held = (this.#heldByKey.get(released) ?? 0) - 1;
    if (held > 0) this.#heldByKey.set(released, held);
    else this.#heldByKey.delete(released);
    for (const [key, queue] of this.#waiting) {
      if (!this.#mayHold(key)) continue;
      const next = queue.shift();
      this.#waiting.delete(key);
      if (queue.length > 0) this.#waiting.set(key, queue);
      if (next === undefined) continue;
      this.#hold(key);
      return next();
    }
  }
}
