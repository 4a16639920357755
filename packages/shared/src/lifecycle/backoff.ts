/**
 * Exponential backoff with full jitter: somewhere between nothing and `baseMs` doubled with every attempt, at
 * most `maxMs`. Source: Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 *
 * @param attempt 1 for the first
 * @param random 0 up to 1
 */
export function backoffMs(attempt: number, baseMs: number, random: () => number, maxMs = 3_600_000): number {
  const ceiling = Math.min(baseMs * 2 ** Math.max(0, attempt - 1), maxMs);
  return Math.round(random() * ceiling);
}
