/**
 * Exponential backoff with full jitter: somewhere between nothing and `baseMs` doubled with every attempt, at
 * most an hour. Source: Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 */
export function backoffMs(attempt: number, baseMs: number, random: () => number): number {
  const ceiling = Math.min(baseMs * 2 ** Math.max(0, attempt - 1), 3_600_000);
  return Math.round(random() * ceiling);
}
