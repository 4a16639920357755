import type { LeasedMessage, TenantWork } from './lease-statement.ts';

const maxMessages = 10_000;

/**
 * Messages whose call ran out of time while the embedder did not answer to a harmless text either. Once, that is the
 * embedder's fault: it may be away. When it worked in between and it happens again, the message may be what holds it.
 */
export class TimeoutSuspects {
  /** Calls of the embedder that had succeeded when the message was last waited for in vain. */
  readonly #successesThen = new Map<string, number>();

  /**
   * @param successes calls of the embedder that have succeeded so far.
   * @returns those of the messages that it is to be counted against.
   */
  addTimeouts(work: TenantWork, messages: readonly LeasedMessage[], successes: number): LeasedMessage[] {
    return messages.filter((message) => {
      const name = nameOf(work, message);
      const then = this.#successesThen.get(name);
      this.#remember(name, successes);
      return then !== undefined && successes > then;
    });
  }

  #remember(name: string, successes: number): void {
    this.#successesThen.delete(name);
    this.#successesThen.set(name, successes);
    const [oldest] = this.#successesThen.keys();
    if (this.#successesThen.size > maxMessages && oldest !== undefined) this.#successesThen.delete(oldest);
  }

  forget(work: TenantWork, message: LeasedMessage): void {
    if (this.#successesThen.size > 0) this.#successesThen.delete(nameOf(work, message));
  }
}

function nameOf({ tenantId, generation }: TenantWork, { messageId }: LeasedMessage): string {
  return `${tenantId}.${generation}.${messageId}`;
}
