export interface WaitOptions {
  readonly timeoutMs: number;
  /** Ends the waiting early. */
  readonly signal: AbortSignal;
}

export interface PollScheduleOptions<Waiter> {
  /** Pauses between the polls for one waiter, in milliseconds; the last one repeats. */
  readonly pausesMs: readonly number[];
  /** A waiter that is due within this time is part of the same poll. */
  readonly slackMs: number;
  /** After a poll the database rests for as long as the poll took, within these bounds. */
  readonly restMs: { readonly shortest: number; readonly longest: number };
  /** Of those that are due, the longest due first, the ones that a poll is for; all when not given. */
  readonly choose?: (due: readonly Waiter[]) => readonly Waiter[];
  /** Reads how these stand. */
  readonly poll: (due: readonly Waiter[]) => Promise<void>;
  /** Whether a waiter that was polled for waits no longer. */
  readonly isDone: (waiter: Waiter) => boolean;
  /** Called when a poll fails; its waiters go on waiting. */
  readonly onError: (error: unknown) => void;
}

interface Entry<Waiter> {
  readonly waiter: Waiter;
  readonly resolve: () => void;
  polls: number;
  dueAt: number;
}

/**
 * Polls for all requests of this process that wait for the same kind of change: one poll at a time, soon after a request
 * begins to wait and less often later, however many wait.
 */
export class PollSchedule<Waiter extends object> {
  readonly #options: PollScheduleOptions<Waiter>;
  readonly #entries = new Map<Waiter, Entry<Waiter>>();
  #timer: { readonly at: number; readonly handle: NodeJS.Timeout } | undefined;
  #isPolling = false;
  #isClosed = false;
  #restsUntil = 0;

  constructor(options: PollScheduleOptions<Waiter>) {
    this.#options = options;
  }

  /** How many wait. */
  get size(): number {
    return this.#entries.size;
  }

  /**
   * Resolves once the waiter is done, or when the time is up, the signal aborts or the schedule is closed. Never rejects.
   *
   * @param waiter an object of its own for each call.
   */
  async wait(waiter: Waiter, { timeoutMs, signal }: WaitOptions): Promise<void> {
    if (signal.aborted || this.#isClosed) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const entry = { waiter, resolve, polls: 0, dueAt: Date.now() + this.#pauseAfter(0) };
    this.#entries.set(waiter, entry);
    this.#schedule();
    const finish = (): void => this.#finish(entry);
    const late = setTimeout(finish, timeoutMs);
    signal.addEventListener('abort', finish, { once: true });
    await promise;
    clearTimeout(late);
    signal.removeEventListener('abort', finish);
  }

  /** Ends all waiting, now and from here on. */
  close(): void {
    this.#isClosed = true;
    for (const entry of this.#entries.values()) this.#finish(entry);
  }

  #finish({ waiter, resolve }: Entry<Waiter>): void {
    this.#entries.delete(waiter);
    resolve();
    if (this.#entries.size > 0) return;
    clearTimeout(this.#timer?.handle);
    this.#timer = undefined;
  }

  #schedule(): void {
    if (this.#isPolling || this.#entries.size === 0) return;
    let at = Number.POSITIVE_INFINITY;
    for (const { dueAt } of this.#entries.values()) at = Math.min(at, dueAt);
    at = Math.max(at, this.#restsUntil);
    if (this.#timer !== undefined && this.#timer.at <= at) return;
    clearTimeout(this.#timer?.handle);
    this.#timer = { at, handle: setTimeout(() => void this.#poll(), Math.max(0, at - Date.now())) };
  }

  async #poll(): Promise<void> {
    const { poll, isDone, onError, restMs } = this.#options;
    this.#timer = undefined;
    this.#isPolling = true;
    const startedAt = Date.now();
    const due = this.#dueAt(startedAt);
    try {
      await poll(due);
    } catch (error) {
      onError(error);
    }
    for (const waiter of due) {
      const entry = this.#entries.get(waiter);
      // Left while it was polled for.
      if (entry === undefined) continue;
      entry.polls += 1;
      entry.dueAt = Date.now() + this.#pauseAfter(entry.polls);
      if (isDone(waiter)) this.#finish(entry);
    }
    const tookMs = Date.now() - startedAt;
    this.#restsUntil = Date.now() + Math.min(Math.max(tookMs, restMs.shortest), restMs.longest);
    this.#isPolling = false;
    this.#schedule();
  }

  #dueAt(now: number): readonly Waiter[] {
    const { choose, slackMs } = this.#options;
    const due = [...this.#entries.values()].filter(({ dueAt }) => dueAt <= now + slackMs);
    if (choose === undefined) return due.map(({ waiter }) => waiter);
    return choose(due.toSorted((one, other) => one.dueAt - other.dueAt).map(({ waiter }) => waiter));
  }

  #pauseAfter(polls: number): number {
    const { pausesMs } = this.#options;
    return pausesMs[polls] ?? pausesMs.at(-1) ?? 0;
  }
}
