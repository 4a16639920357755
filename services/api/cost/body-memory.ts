import { AppError } from '@memory-layer/shared/errors/app-error';

export interface BodyMemoryLimits {
  /** Bytes of the bodies of one API key. */
  readonly perKey: number;
  /** Bytes of all bodies. */
  readonly total: number;
}

export interface BodyMemoryObserver {
  /** Bytes that are held, after each change. */
  readonly held: (bytes: number) => void;
  readonly refused: (reason: 'key_full' | 'full') => void;
}

/** What one body holds. */
export interface BodyReservation {
  /** @throws AppError `rate_limited` when its key holds too much, `unavailable` when all do. Nothing is taken then. */
  grow(bytes: number): void;
  /** Gives everything back; harmless when called again. */
  release(): void;
}

const retryAfterSeconds = 1;

/**
 * The bytes of request bodies that are read, or whose requests are worked on. A body that is larger than its limit by
 * itself is taken when there is no other, so that the limits of memory never refuse what the limit of a body allows.
 */
export class BodyMemory {
  readonly #limits: BodyMemoryLimits;
  readonly #observer: BodyMemoryObserver;
  readonly #byKey = new Map<string, number>();
  #held = 0;

  constructor(limits: BodyMemoryLimits, observer: BodyMemoryObserver) {
    this.#limits = limits;
    this.#observer = observer;
  }

  /** Bytes that are held. */
  get held(): number {
    return this.#held;
  }

  /** A body of which nothing is held yet. */
  open(keyId: string): BodyReservation {
    let own = 0;
    return {
      grow: (bytes) => {
        this.#check(keyId, own, bytes);
        own += bytes;
        this.#change(keyId, bytes);
      },
      release: () => {
        this.#change(keyId, -own);
        own = 0;
      },
    };
  }

  #check(keyId: string, own: number, bytes: number): void {
    const { perKey, total } = this.#limits;
    const ofKey = this.#byKey.get(keyId) ?? 0;
    if (ofKey > own && ofKey + bytes > perKey) {
      this.#observer.refused('key_full');
      const message = `The request bodies of this key have ${ofKey} bytes already, of at most ${perKey} at a time.`;
      throw new AppError('rate_limited', message, { retryAfterSeconds });
    }
    if (this.#held > own && this.#held + bytes > total) {
      this.#observer.refused('full');
      throw new AppError('unavailable', 'too many bytes of request bodies are held', { retryAfterSeconds });
    }
  }

  #change(keyId: string, bytes: number): void {
    const ofKey = (this.#byKey.get(keyId) ?? 0) + bytes;
    if (ofKey === 0) this.#byKey.delete(keyId);
    else this.#byKey.set(keyId, ofKey);
    this.#held += bytes;
    this.#observer.held(this.#held);
  }
}
