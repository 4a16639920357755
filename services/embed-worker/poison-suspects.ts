import type { LeasedMessage, TenantWork } from './lease.ts';

const maxMessages = 10_000;

/**
 * Messages that may be poison: their call timed out, and the embedder did not answer a harmless text either. Once, the
 * embedder may be down. When it worked in between and the message times out again, the message is at fault.
 */
export class PoisonSuspects {
  /** Calls of the embedder that had succeeded when the message last timed out. */
  readonly #successesThen = new Map<string, number>();

  /**
   * @param successes calls of the embedder that have succeeded so far.
   * @returns the messages whose timeout counts as a failure of their own.
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
