/** One piece of work that several callers wait for. It is cancelled when all of them have gone away. */
export class SharedCall<T> {
  /** Resolves when the work has ended, well or badly. */
  readonly settled: Promise<void>;
  readonly #result: Promise<T>;
  readonly #abort = new AbortController();
  #waiting = 0;
  #isSettled = false;

  constructor(work: (signal: AbortSignal) => Promise<T>) {
    this.#result = work(this.#abort.signal);
    const end = () => {
      this.#isSettled = true;
    };
    this.settled = this.#result.then(end, end);
  }

  /** Whether its work was given up, so that nobody can join any more. */
  get cancelled(): boolean {
    return this.#abort.signal.aborted;
  }

  /** Waits for the result, or until this caller's own signal. */
  async join(signal: AbortSignal | undefined): Promise<T> {
    this.#waiting += 1;
    const left = Promise.withResolvers<never>();
    const leave = (): void => left.reject(signal?.reason);
    signal?.addEventListener('abort', leave, { once: true });
    try {
      signal?.throwIfAborted();
      return await Promise.race([this.#result, left.promise]);
    } finally {
      signal?.removeEventListener('abort', leave);
      this.#waiting -= 1;
      // What has ended needs no signal, which costs as much as an error with its stack.
      if (this.#waiting === 0 && !this.#isSettled) this.#abort.abort();
    }
  }
}
