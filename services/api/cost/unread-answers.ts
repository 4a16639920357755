import { AppError } from '@memory-layer/shared/errors/app-error';
import { requestLimits } from './request-cost.ts';
import type { Release } from './tenant-concurrency-limiter.ts';

export interface UnreadAnswerLimits {
  /** Bytes of the answers of one tenant. */
  readonly perTenant: number;
  /** Bytes of all answers. */
  readonly total: number;
}

export interface UnreadAnswersObserver {
  /** Bytes of all answers, after each change. */
  readonly held: (bytes: number) => void;
  readonly refused: (reason: 'tenant_unread' | 'unread') => void;
}

/** Four and sixteen of the largest. */
export const unreadAnswerLimits: UnreadAnswerLimits = {
  perTenant: 4 * requestLimits.answerBytes,
  total: 16 * requestLimits.answerBytes,
};

const retryAfterSeconds = 1;

/**
 * The bytes of answers that are made and not yet taken by their clients. A client that reads slowly keeps nobody from a
 * search; only where its tenant's answers have become too many, its next ones are refused.
 */
export class UnreadAnswers {
  readonly #limits: UnreadAnswerLimits;
  readonly #observer: UnreadAnswersObserver;
  readonly #byTenant = new Map<string, number>();
  #held = 0;

  constructor(limits: UnreadAnswerLimits, observer: UnreadAnswersObserver) {
    this.#limits = limits;
    this.#observer = observer;
  }

  /**
   * A tenant all of whose answers have been read is never refused, whatever others leave unread.
   *
   * @throws AppError `rate_limited` when the tenant's answers are too many, `unavailable` when those of all are.
   */
  check(tenantId: string): void {
    const own = this.#byTenant.get(tenantId) ?? 0;
    if (own >= this.#limits.perTenant) {
      this.#observer.refused('tenant_unread');
      const message = `${own} bytes of answers for this tenant have not been read.`;
      throw new AppError('rate_limited', message, { retryAfterSeconds });
    }
    if (own > 0 && this.#held >= this.#limits.total) {
      this.#observer.refused('unread');
      throw new AppError('unavailable', 'too many answers have not been read', { retryAfterSeconds });
    }
  }

  /** Counts an answer until it is released. */
  hold(tenantId: string, bytes: number): Release {
    this.#change(tenantId, bytes);
    let isHeld = true;
    return () => {
      if (isHeld) this.#change(tenantId, -bytes);
      isHeld = false;
    };
  }

  #change(tenantId: string, bytes: number): void {
    this.#held += bytes;
    const own = (this.#byTenant.get(tenantId) ?? 0) + bytes;
    if (own === 0) this.#byTenant.delete(tenantId);
    else this.#byTenant.set(tenantId, own);
    this.#observer.held(this.#held);
  }
}
