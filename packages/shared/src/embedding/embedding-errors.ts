import { AppError } from '../errors/app-error.ts';

/**
 * The circuit breaker refused a call without trying: the embedder has just been failing. Callers that have work
 * waiting should wait as well, and not count this as an attempt.
 */
export class CircuitOpenError extends AppError {
  /** Time until the breaker lets a call through again. */
  readonly retryAfterMs: number;

  constructor(name: string, retryAfterMs: number) {
    const seconds = Math.max(1, Math.ceil(retryAfterMs / 1000));
    super('embedding_unavailable', `The circuit of the ${name} embedder is open.`, { retryAfterSeconds: seconds });
    this.retryAfterMs = retryAfterMs;
  }
}

export function isCircuitOpen(error: unknown): error is CircuitOpenError {
  return error instanceof CircuitOpenError;
}

/** A call took longer than its time limit: its texts may be at fault, or the embedder may hang. */
export class EmbeddingTimeoutError extends AppError {
  constructor(name: string, timeoutMs: number) {
    super('embedding_unavailable', `The ${name} embedder took longer than ${timeoutMs} ms.`);
  }
}

export function isEmbeddingTimeout(error: unknown): error is EmbeddingTimeoutError {
  return error instanceof EmbeddingTimeoutError;
}
