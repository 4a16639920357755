import { AppError } from '@memory-layer/shared/errors/app-error';
import type { Rate } from './rate.ts';
import type { RateDecision, RateLimiters, RateSubject } from './rate-limiter.ts';

interface RateCount extends RateDecision {
  readonly subject: RateSubject;
}

export interface RequestRatesDeps {
  readonly limiters: RateLimiters;
  readonly onLimited: (subject: RateSubject) => void;
}

/** Counts one request by its address, key and tenants, and keeps how these stand. */
export class RequestRates {
  readonly #deps: RequestRatesDeps;
  readonly #counts: RateCount[] = [];
  readonly #tenantIds: string[] = [];

  constructor(deps: RequestRatesDeps) {
    this.#deps = deps;
  }

  /** Those that the request is for, as far as it is known. */
  get tenantIds(): readonly string[] {
    return this.#tenantIds;
  }

  /**
   * @param own the rate of this subject, where it has one of its own.
   * @throws AppError `rate_limited`
   */
  async count(subject: RateSubject, id: string, own?: Rate): Promise<void> {
    if (subject === 'tenant') this.#tenantIds.push(id);
    const { limiters, onLimited } = this.#deps;
    const limiter = limiters[subject];
    const decision = await limiter?.consume(id, own);
    if (decision === undefined) return;
    this.#counts.push({ subject, ...decision });
    if (decision.allowed) return;
    onLimited(subject);
    throw new AppError('rate_limited', `This ${subject} has used up its ${decision.limit} requests.`, {
      retryAfterSeconds: decision.resetSeconds,
    });
  }

  /**
   * The header fields that show a client how it stands: `RateLimit` and `RateLimit-Policy` of
   * draft-ietf-httpapi-ratelimit-headers-10, and the ones of the service that this one replaces.
   */
  headers(): [name: string, value: string][] {
    if (this.#counts.length === 0) return [];
    const counts = this.#counts.toSorted((one, other) => places[one.subject] - places[other.subject]);
    const policies = counts.map(({ subject, limit, windowSeconds }) => `"${subject}";q=${limit};w=${windowSeconds}`);
    const states = counts.map(
      ({ subject, remaining, resetSeconds }) => `"${subject}";r=${remaining};t=${resetSeconds}`,
    );
    return [
      ['RateLimit-Policy', policies.join(', ')],
      ['RateLimit', states.join(', ')],
      ...olderHeaders(
        'X-RateLimit',
        counts.findLast(({ subject }) => subject !== 'tenant'),
      ),
      ...olderHeaders(
        'X-RateLimit-Tenant',
        counts.findLast(({ subject }) => subject === 'tenant'),
      ),
    ];
  }
}

const places: Readonly<Record<RateSubject, number>> = { address: 0, key: 1, tenant: 2 };

/** These have one value: of the subject that was counted last. */
function olderHeaders(prefix: string, count: RateCount | undefined): [name: string, value: string][] {
  if (count === undefined) return [];
  return [
    [`${prefix}-Limit`, String(count.limit)],
    [`${prefix}-Remaining`, String(count.remaining)],
    [`${prefix}-Reset`, String(count.resetSeconds)],
  ];
}
