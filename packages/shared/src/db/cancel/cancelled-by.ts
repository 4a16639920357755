import type { AbortableQueryOptions } from 'kysely';

/**
 * For `execute`: the statement ends when the signal is aborted, in the database too, and the call rejects with the
 * signal's reason at once. A statement that `statement_timeout` ends rejects with `deadline_exceeded`.
 *
 * For statements whose answer one request alone waits for: those that read, and deletes that may be repeated.
 */
export function cancelledBy(signal: AbortSignal | undefined): AbortableQueryOptions {
  return signal === undefined ? {} : { signal, inflightQueryAbortStrategy: 'cancel query' };
}
