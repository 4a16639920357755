/** How old an answer may be that a request is decided by, and when a newer one is asked for. */
const maxAgeMs = 1500;
const refreshAfterMs = 500;

export interface ChangeWatchDeps {
  /** The number of changes of keys and tenants so far, from the primary database. */
  readonly readVersion: () => Promise<string>;
  /** Receives what became of a refresh that no request waits for. */
  readonly onError: (error: unknown) => void;
  /** Nobody but this process changes anything: it need not ask again. */
  readonly isAlone?: boolean;
  readonly nowMs?: () => number;
}

/**
 * Knows that no key and no tenant has changed, as of at most 1.5 seconds ago: so a process may go on by what it
 * remembers of them. One small query tells, asked for at most twice a second and only while there are requests. While
 * the database cannot be asked, nothing that is remembered is good any longer: who needs it waits, and fails.
 */
export class ChangeWatch {
  readonly #deps: ChangeWatchDeps;
  readonly #listeners: (() => void)[] = [];
  #version: string | undefined;
  /** When the last answer was asked for: changes of later are not in it. */
  #asOf = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | undefined;

  constructor(deps: ChangeWatchDeps) {
    this.#deps = deps;
  }

  /** @param listener forgets what it remembers. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Whether what is remembered is still good. Asks again in the background, so that it goes on being so. */
  isFresh(): boolean {
    if (this.#deps.isAlone === true && this.#version !== undefined) return true;
    const age = this.#now() - this.#asOf;
    if (age > refreshAfterMs && this.#asking === undefined) this.refresh().catch(this.#deps.onError);
    return age <= maxAgeMs;
  }

  /**
   * What is remembered is good once this has resolved.
   *
   * @throws what the database answers.
   */
  refresh(): Promise<void> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  /** This process has changed something itself. */
  changed(): void {
    for (const forget of this.#listeners) forget();
  }

  async #ask(): Promise<void> {
    const asOf = this.#now();
    const version = await this.#deps.readVersion();
    if (version !== this.#version) this.changed();
    this.#version = version;
    this.#asOf = asOf;
  }

  #now(): number {
    return this.#deps.nowMs?.() ?? performance.now();
  }
}
