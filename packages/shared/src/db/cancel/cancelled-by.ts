import type { AbortableQueryOptions } from 'kysely';

/**
 * For `execute`: the statement ends when the signal is aborted, in the database too, and the call rejects with the
 * signal's reason at once. A statement that `statement_timeout` ends rejects with `deadline_exceeded`.
 *
 * For statements that read, and whose answer one request alone waits for.
 */
export function cancelledBy(signal: AbortSignal | undefined): AbortableQueryOptions {
  return signal === undefined ? {} : { signal, inflightQueryAbortStrategy: 'cancel query' };
}
