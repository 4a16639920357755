import type { Logger } from '@memory-layer/shared/observability/logger';
import { StartRefused } from '@memory-layer/shared/process/run-process';
import type { ApiProcess, Ended } from './api-process.ts';

export interface SlotDeps {
  /** Starts a process for this place. */
  start(): ApiProcess;
  /** A process has ended that others have replaced, or will. */
  onEnded(reason: 'failed' | 'restarted'): void;
  readonly logger: Logger;
  /** Longest time that a retired process has to end by itself. */
  readonly retireMs: number;
}

// One that has run for this long did not end for how it was started.
const soundMs = 60_000;
const firstPauseMs = 1000;
const longestPauseMs = 30_000;

/** Keeps one process running: the next is started when it ends, later and later where that does not help. */
export class ProcessSlot {
  readonly #deps: SlotDeps;
  readonly #number: number;
  #current: ApiProcess | undefined;
  #starting: Promise<boolean> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #isClosed = false;

  constructor(number: number, deps: SlotDeps) {
    this.#number = number;
    this.#deps = deps;
  }

  /** The process that answers requests; undefined while there is none. */
  get current(): ApiProcess | undefined {
    return this.#current;
  }

  /** Starts the first process. @throws StartRefused when it ends before it has started. */
  async open(): Promise<void> {
    const first = this.#deps.start();
    const begun = await first.begun;
    if (begun !== 'started') throw refusalOf(this.#number, begun);
    this.#use(first);
  }

  /** Nothing is started any more. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  /**
   * Puts a new process in the place of the one that runs, which goes on until the new one answers requests.
   *
   * @returns whether that is so; if not, the old one stays.
   */
  async replace(): Promise<boolean> {
    clearTimeout(this.#timer);
    // One that is about to start may have read what has changed since.
    await this.#starting;
    const old = this.#current;
    let isOldThere = old !== undefined;
    void old?.ended.then(() => (isOldThere = false));
    if (this.#isClosed || !(await this.#startNext())) return false;
    if (old !== undefined && isOldThere) await this.#retire(old);
    return true;
  }

  /** @returns whether it answers requests. */
  #startNext(): Promise<boolean> {
    this.#starting = this.#tryStart().finally(() => (this.#starting = undefined));
    return this.#starting;
  }

  async #tryStart(): Promise<boolean> {
    const next = this.#deps.start();
    const begun = await next.begun;
    if (begun === 'started') {
      this.#use(next);
      return true;
    }
    if (!this.#isClosed) {
      this.#deps.logger.error({ process: this.#number, ...begun }, 'a process did not start');
      if (this.#current === undefined) this.#startLater();
    }
    return false;
  }

  #use(process: ApiProcess): void {
    this.#current = process;
    void this.#watch(process);
  }

  async #watch(process: ApiProcess): Promise<void> {
    const startedAt = performance.now();
    const ended = await process.ended;
    // It was replaced before.
    if (this.#current !== process) return;
    this.#current = undefined;
    if (this.#isClosed) return;
    if (performance.now() - startedAt >= soundMs) this.#failures = 0;
    this.#deps.logger.error({ process: this.#number, pid: process.pid, ...ended }, 'a process ended');
    this.#deps.onEnded('failed');
    if (this.#starting === undefined) this.#startLater();
  }

  /** At once after an end that nobody expects, then after one second, two, four, … */
  #startLater(): void {
    const pauseMs = this.#failures === 0 ? 0 : Math.min(longestPauseMs, firstPauseMs * 2 ** (this.#failures - 1));
    this.#failures += 1;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#startNext(), pauseMs);
  }

  async #retire(old: ApiProcess): Promise<void> {
    old.retire();
    const timer = setTimeout(() => {
      this.#deps.logger.error({ process: this.#number, pid: old.pid }, 'a replaced process did not end');
      old.kill('SIGKILL');
    }, this.#deps.retireMs);
    await old.ended;
    clearTimeout(timer);
    this.#deps.onEnded('restarted');
  }
}

function refusalOf(number: number, ended: Ended): StartRefused {
  // One that ends by itself has printed why.
  if (ended.signal === null && ended.code !== null && ended.code !== 0) return new StartRefused('', ended.code);
  const how = ended.signal === null ? `ended with code ${ended.code}` : `was ended by ${ended.signal}`;
  return new StartRefused(`process ${number} of the api ${how} before it had started`, 1);
}
