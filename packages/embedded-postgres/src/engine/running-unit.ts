/** What PostgreSQL's signal handler sets, by addresses in the engine's memory. */
export interface InterruptFlags {
  readonly memory: SharedArrayBuffer;
  readonly queryCancelPending: number;
  readonly interruptPending: number;
  /** Of the pointer to the latch, which ends a wait. */
  readonly latch: number;
}

/** What threads of the process share about the unit that runs. */
export interface SharedUnit {
  readonly state: SharedArrayBuffer;
  readonly flags: InterruptFlags;
}

/** Words of the state: whose unit runs, or one of the values below; then the deadline of the unit. */
const ownerIndex = 0;
const nobody = 0;
/** Another thread decides whether to cancel the unit; it may not end meanwhile. */
const locked = -1;
const noDeadline = 0n;

/**
 * The client's unit that the engine runs, as all threads see it: the engine's thread says what runs, others cancel it.
 * A unit that has ended is never taken for the one after it.
 *
 * PostgreSQL ends a cancelled statement at its next CHECK_FOR_INTERRUPTS, as it does after SIGINT.
 */
export class RunningUnit {
  readonly shared: SharedUnit;
  readonly #owner: Int32Array;
  /** Counts the units, so that one differs from the next of its session. */
  readonly #number: Int32Array;
  readonly #deadline: BigInt64Array;
  readonly #memory: Int32Array;

  constructor(shared: SharedUnit) {
    this.shared = shared;
    this.#owner = new Int32Array(shared.state, 0, 1);
    this.#number = new Int32Array(shared.state, 4, 1);
    this.#deadline = new BigInt64Array(shared.state, 8, 1);
    this.#memory = new Int32Array(shared.flags.memory);
  }

  static over(flags: InterruptFlags): RunningUnit {
    return new RunningUnit({ state: new SharedArrayBuffer(16), flags });
  }

  /**
   * For the engine's thread: from here on the unit can be cancelled.
   * @param session above 0
   * @param deadlineNs by `process.hrtime`, which all threads share; undefined: none
   */
  begin(session: number, deadlineNs: bigint | undefined): void {
    Atomics.store(this.#deadline, 0, deadlineNs ?? noDeadline);
    Atomics.add(this.#number, 0, 1);
    Atomics.store(this.#owner, ownerIndex, session);
  }

  /** For the engine's thread: what has not come to an effect by now, has none. */
  end(session: number): void {
    while (Atomics.compareExchange(this.#owner, ownerIndex, session, nobody) === locked) {
      Atomics.wait(this.#owner, ownerIndex, locked, 1);
    }
    Atomics.store(this.#memory, this.shared.flags.queryCancelPending >> 2, 0);
  }

  /**
   * Cancels the session's unit. PostgreSQL ignores this while it takes in a message, so it is to be repeated.
   * @param unit the only one to be cancelled; undefined: the one that runs
   * @returns which unit it was; undefined when no unit of the session runs
   */
  cancel(session: number, unit?: number): number | undefined {
    let running: number | undefined;
    this.#interrupt(session, () => {
      running = Atomics.load(this.#number, 0);
      return unit === undefined || unit === running;
    });
    return running;
  }

  /** Cancels the unit that runs when its deadline has passed. */
  cancelIfLate(): void {
    const session = Atomics.load(this.#owner, ownerIndex);
    this.#interrupt(session, () => {
      const deadline = Atomics.load(this.#deadline, 0);
      return deadline !== noDeadline && process.hrtime.bigint() >= deadline;
    });
  }

  /** Cancels whatever runs. */
  cancelAny(): void {
    this.#interrupt(Atomics.load(this.#owner, ownerIndex), () => true);
  }

  #interrupt(session: number, isWanted: () => boolean): void {
    if (session <= nobody) return;
    if (Atomics.compareExchange(this.#owner, ownerIndex, session, locked) !== session) return;
    if (isWanted()) {
      const { queryCancelPending, interruptPending, latch } = this.shared.flags;
      // What StatementCancelHandler sets, which nothing runs beside: here the engine may look in between, and resets
      // interruptPending when it finds nothing to do. The first word of a latch says whether it is set.
      Atomics.store(this.#memory, queryCancelPending >> 2, 1);
      Atomics.store(this.#memory, interruptPending >> 2, 1);
      Atomics.store(this.#memory, Atomics.load(this.#memory, latch >> 2) >> 2, 1);
    }
    Atomics.store(this.#owner, ownerIndex, session);
    Atomics.notify(this.#owner, ownerIndex);
  }
}
