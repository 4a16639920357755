/**
 * Places for groups of lines that are checked and stored at the same time, in all streams of this process together.
 * Where more are asked for, keys take turns, so that twenty streams cost no more than one does.
 */
export class ImportSlots {
  readonly #waiting = new Map<string, (() => void)[]>();
  #free: number;

  constructor(count: number) {
    this.#free = count;
  }

  /** @returns gives the place back. */
  async acquire(key: string): Promise<() => void> {
    if (this.#free > 0) this.#free -= 1;
    else {
      const queue = this.#waiting.get(key) ?? [];
      this.#waiting.set(key, queue);
      await new Promise<void>((resolve) => queue.push(resolve));
    }
    let isHeld = true;
    return () => {
      if (isHeld) this.#release();
      isHeld = false;
    };
  }

  /** The place goes to the key whose turn it is, which then goes to the end of the line. */
  #release(): void {
    for (const [key, queue] of this.#waiting) {
      const next = queue.shift();
      this.#waiting.delete(key);
      if (queue.length > 0) this.#waiting.set(key, queue);
      if (next !== undefined) return next();
    }
    this.#free += 1;
  }
}
