/** Says that the caller's own signal ended a call, and not its time: `cause` is what the signal was aborted for. */
export class CallerAbort extends Error {
  constructor(reason: unknown) {
    super('the caller aborted', { cause: reason });
  }
}

export interface TimeoutOptions {
  readonly timeoutMs: number;
  /** What is thrown when time is up. */
  readonly late: Error;
  /** The caller's. */
  readonly signal: AbortSignal | undefined;
}

/**
 * Rejects when time is up or the caller aborts, whether or not the work obeys its signal, and cancels that work.
 *
 * @throws `late`, {@link CallerAbort}, or what the work throws.
 */
export async function withTimeout<T>(
  work: (signal: AbortSignal) => Promise<T>,
  { timeoutMs, late, signal: callers }: TimeoutOptions,
): Promise<T> {
  const controller = new AbortController();
  const signal = callers ? AbortSignal.any([callers, controller.signal]) : controller.signal;
  const timer = setTimeout(() => controller.abort(late), timeoutMs);
  const cancelled = Promise.withResolvers<never>();
  const cancel = (): void => cancelled.reject(signal.reason);
  signal.addEventListener('abort', cancel, { once: true });
  try {
    signal.throwIfAborted();
    return await Promise.race([work(signal), cancelled.promise]);
  } catch (error) {
    throw callers?.aborted ? new CallerAbort(callers.reason) : error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', cancel);
  }
}
