/** What is measured over less than this says little. */
const windowMs = 200;
/** A faster window shows what the model can do; a slower one may only have had little to do. */
const shareWhenFaster = 0.5;
const shareWhenSlower = 0.1;

/** Estimated tokens that a model embeds in a second, calls side by side taken together, learnt while it is at work. */
export class Throughput {
  readonly #now: () => number;
  #perMs: number | undefined;
  #running = 0;
  #busySince = 0;
  #busyMs = 0;
  #tokens = 0;

  /** @param now milliseconds; for tests. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Tokens that it embeds in a time; undefined until something was learnt. */
  tokensIn(ms: number): number | undefined {
    return this.#perMs === undefined ? undefined : this.#perMs * ms;
  }

  /** Runs a call of the model and counts its tokens when it succeeds, and the time it kept the model busy in any case. */
  async measure<Result>(tokens: number, call: () => Promise<Result>): Promise<Result> {
    if (this.#running === 0) this.#busySince = this.#now();
    this.#running += 1;
    try {
      const result = await call();
      this.#tokens += tokens;
      return result;
    } finally {
      this.#running -= 1;
      this.#learn();
    }
  }

  #learn(): void {
    const now = this.#now();
    this.#busyMs += now - this.#busySince;
    this.#busySince = now;
    if (this.#busyMs < windowMs) return;
    const measured = this.#tokens / this.#busyMs;
    const known = this.#perMs ?? measured;
    this.#perMs = known + (measured > known ? shareWhenFaster : shareWhenSlower) * (measured - known);
    this.#busyMs = 0;
    this.#tokens = 0;
  }
}
