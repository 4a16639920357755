import { spokenText } from './split-message.ts';
import type { LeasedMessage, TenantWork } from './lease.ts';

/** How far a message is: the place in its text where the next passage begins, and the vectors of those before it. */
export interface Progress {
  readonly from: number;
  readonly vectors: readonly Float32Array[];
}

const nothingYet: Progress = { from: 0, vectors: [] };

/**
 * What is done of messages that a job could not finish, so that the next job of this process goes on where it ended.
 * In memory: another process, or this one after a restart, begins at the first passage.
 */
export class UnfinishedMessages {
  readonly #maxBytes: number;
  /** The one that was kept last at the end. */
  readonly #progress = new Map<string, Progress>();
  #bytes = 0;

  /** @param maxBytes of vectors; those that were kept first go first. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** What is known of a message; nothing when its text has changed. */
  find(work: TenantWork, message: LeasedMessage): Progress {
    if (this.#progress.size === 0) return nothingYet;
    return this.#progress.get(nameOf(work, message)) ?? nothingYet;
  }

  keep(work: TenantWork, message: LeasedMessage, { from, vectors }: Progress): void {
    const name = nameOf(work, message);
    this.#delete(name);
    if (vectors.length === 0) return;
    // Copies: a vector may be a view of a whole batch, which would be kept alive with it.
    const kept = { from, vectors: vectors.map((vector) => vector.slice()) };
    this.#progress.set(name, kept);
    this.#bytes += bytesOf(kept);
    for (const oldest of this.#progress.keys()) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#delete(oldest);
    }
  }

  forget(work: TenantWork, message: LeasedMessage): void {
    if (this.#progress.size > 0) this.#delete(nameOf(work, message));
  }

  #delete(name: string): void {
    const progress = this.#progress.get(name);
    if (progress === undefined) return;
    this.#progress.delete(name);
    this.#bytes -= bytesOf(progress);
  }
}

function bytesOf({ vectors }: Progress): number {
  return vectors.reduce((sum, vector) => sum + vector.byteLength, 0);
}

function nameOf({ tenantId, generation }: TenantWork, message: LeasedMessage): string {
  const { messageId, contentHash } = message;
  const before = spokenText({ ...message, content: '' });
  return `${tenantId}.${generation}.${messageId}.${contentHash.toString('base64')}.${before}`;
}
