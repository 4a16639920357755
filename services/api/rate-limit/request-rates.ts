import { AppError } from '@memory-layer/shared/errors/app-error';
import type { Rate } from './rate.ts';
import type { RateDecision, RateLimiters, RateSubject } from './rate-limiter.ts';

interface RateCount {
  readonly subject: RateSubject;
  readonly decision: RateDecision;
}

export interface RequestRatesDeps {
  readonly limiters: RateLimiters;
  readonly onLimited: (subject: RateSubject) => void;
}

/** Counts one request by its address, key and tenants, and keeps how these stand. */
export class RequestRates {
  readonly #deps: RequestRatesDeps;
  /** In the order in which they are shown. */
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
    this.#add({ subject, decision });
    if (decision.allowed) return;
    onLimited(subject);
    throw new AppError('rate_limited', `This ${subject} has used up its ${decision.limit} requests.`, {
      retryAfterSeconds: decision.resetSeconds,
    });
  }

  #add(count: RateCount): void {
    const counts = this.#counts;
    let at = counts.length;
    while (at > 0 && places[counts[at - 1]?.subject ?? 'address'] > places[count.subject]) at -= 1;
    counts.splice(at, 0, count);
  }

  /**
   * The header fields that show a client how it stands: `RateLimit` and `RateLimit-Policy` of
   * draft-ietf-httpapi-ratelimit-headers-10, and the ones of the service that this one replaces, whose reset is a time.
   */
  headers(): [name: string, value: string][] {
    if (this.#counts.length === 0) return [];
    let [policies, states] = ['', ''];
    // The older ones have one value: of the subject that was counted last.
    let [ofCaller, ofTenant]: (RateDecision | undefined)[] = [];
    for (const { subject, decision } of this.#counts) {
      const { limit, windowSeconds, remaining, resetSeconds } = decision;
      const comma = policies === '' ? '' : ', ';
      policies += `${comma}"${subject}";q=${limit};w=${windowSeconds}`;
      states += `${comma}"${subject}";r=${remaining};t=${resetSeconds}`;
      if (subject === 'tenant') ofTenant = decision;
      else ofCaller = decision;
    }
    const headers: [string, string][] = [
      ['RateLimit-Policy', policies],
      ['RateLimit', states],
    ];
    if (ofCaller !== undefined) pushOlder(headers, 'X-RateLimit', ofCaller);
    if (ofTenant !== undefined) pushOlder(headers, 'X-RateLimit-Tenant', ofTenant);
    return headers;
  }
}

const places: Readonly<Record<RateSubject, number>> = { address: 0, key: 1, tenant: 2 };

function pushOlder(headers: [string, string][], prefix: string, decision: RateDecision): void {
  headers.push(
    [`${prefix}-Limit`, String(decision.limit)],
    [`${prefix}-Remaining`, String(decision.remaining)],
    [`${prefix}-Reset`, String(decision.resetAt)],
  );
}
