import type { RateDecision, RateSubject } from './rate-limiter.ts';

/** How a subject of a request stands. */
export interface RateCount extends RateDecision {
  readonly subject: RateSubject;
}

/**
 * The header fields that tell a client how it stands: `RateLimit` and `RateLimit-Policy` of
 * draft-ietf-httpapi-ratelimit-headers-10, and the ones of the service that this one replaces.
 */
export function rateHeaders(unordered: readonly RateCount[]): [name: string, value: string][] {
  if (unordered.length === 0) return [];
  const counts = unordered.toSorted((one, other) => places[one.subject] - places[other.subject]);
  const policies = counts.map(({ subject, limit, windowSeconds }) => `"${subject}";q=${limit};w=${windowSeconds}`);
  const states = counts.map(({ subject, remaining, resetSeconds }) => `"${subject}";r=${remaining};t=${resetSeconds}`);
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
