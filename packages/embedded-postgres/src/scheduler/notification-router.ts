import { quoteIdentifier } from '../sql/quote.ts';
import type { ListenChange } from '../sql/statement-effects.ts';
import type { ClientOutput } from '../session/client-output.ts';

/** A client as this router knows it. */
export interface Listener {
  readonly output: Pick<ClientOutput, 'write' | 'flush'>;
}

/**
 * Who listens to what. The engine's one session listens to the union; a notification that it gets goes to the clients
 * that asked for the channel, and to no other.
 */
export class NotificationRouter {
  readonly #listeners = new Map<string, Set<Listener>>();

  /** Hands a NotificationResponse to its listeners. */
  deliver(channel: string, frame: Uint8Array, asking?: Listener): void {
    for (const listener of this.#listeners.get(channel) ?? []) {
      listener.output.write(frame);
      // The client that asked gets the rest of its answer in a moment, in the right order.
      if (listener !== asking) listener.output.flush();
    }
  }

  /**
   * Takes over changes that the engine has committed.
   * @returns SQL that makes the engine listen again to what others still want; undefined when nothing is missing
   */
  apply(listener: Listener, changes: readonly ListenChange[]): string | undefined {
    const dropped = new Set<string>();
    for (const change of changes) {
      if (change.kind === 'listen') {
        this.#add(change.channel, listener);
        dropped.delete(change.channel);
        continue;
      }
      for (const channel of change.kind === 'unlisten' ? [change.channel] : [...this.#listeners.keys()]) {
        this.#remove(channel, listener);
        dropped.add(channel);
      }
    }
    const missing = [...dropped].filter((channel) => this.#listeners.has(channel));
    return statements('LISTEN', missing);
  }

  /** Forgets a client. @returns SQL that makes the engine stop listening to what nobody wants any more */
  forget(listener: Listener): string | undefined {
    const channels = [...this.#listeners.keys()];
    for (const channel of channels) this.#remove(channel, listener);
    return statements(
      'UNLISTEN',
      channels.filter((channel) => !this.#listeners.has(channel)),
    );
  }

  #add(channel: string, listener: Listener): void {
    const listeners = this.#listeners.get(channel) ?? new Set();
    this.#listeners.set(channel, listeners.add(listener));
  }

  #remove(channel: string, listener: Listener): void {
    const listeners = this.#listeners.get(channel);
    listeners?.delete(listener);
    if (listeners?.size === 0) this.#listeners.delete(channel);
  }
}

function statements(command: 'LISTEN' | 'UNLISTEN', channels: readonly string[]): string | undefined {
  if (channels.length === 0) return undefined;
  return channels.map((channel) => `${command} ${quoteIdentifier(channel)}`).join(';');
}
