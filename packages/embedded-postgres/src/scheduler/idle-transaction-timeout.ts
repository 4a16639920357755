import type { ClientSession } from '../session/client-session.ts';

/** Ends a transaction that stays idle while others wait for the engine. */
export class IdleTransactionTimeout {
  readonly #timeoutMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** Others wait from now on; a timer that runs goes on. */
  start(holder: ClientSession): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      // SQLSTATE and wording of PostgreSQL's idle_in_transaction_session_timeout.
      holder.fail('25P03', 'terminating connection due to idle-in-transaction timeout');
    }, this.#timeoutMs);
  }

  /** The holder has done something, or is gone. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
