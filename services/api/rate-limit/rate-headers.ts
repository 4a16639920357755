import type { RateDecision, RateSubject } from './rate-limiter.ts';

/**
 * The header fields that tell a client how it stands: `RateLimit` and `RateLimit-Policy` of
 * draft-ietf-httpapi-ratelimit-headers-10, and the ones of the service that this one replaces.
 */
export function rateHeaders(subject: RateSubject, decision: RateDecision): [name: string, value: string][] {
  const { limit, windowSeconds, remaining, resetSeconds } = decision;
  const prefix = subject === 'tenant' ? 'X-RateLimit-Tenant' : 'X-RateLimit';
  return [
    ['RateLimit-Policy', `"${subject}";q=${limit};w=${windowSeconds}`],
    ['RateLimit', `"${subject}";r=${remaining};t=${resetSeconds}`],
    [`${prefix}-Limit`, String(limit)],
    [`${prefix}-Remaining`, String(remaining)],
    [`${prefix}-Reset`, String(resetSeconds)],
  ];
}
