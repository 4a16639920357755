import { errorCatalog, type ErrorCode } from './error-catalog.ts';

/** One invalid field: which part of the request, where in it (JSON Pointer, RFC 6901), and why. */
export interface FieldError {
  readonly in: 'body' | 'query' | 'path' | 'header';
  readonly pointer: string;
  readonly detail: string;
}

export interface AppErrorOptions {
  readonly cause?: unknown;
  readonly errors?: readonly FieldError[];
  /** Seconds after which a retry is sensible; becomes `Retry-After`. */
  readonly retryAfterSeconds?: number;
  /** Said to the caller of a 5xx in place of the fixed sentence of its code: what a retry has to know. */
  readonly publicDetail?: string;
}

/**
 * The one error type that crosses layers. `message` is written for the caller of the API, except for
 * 5xx codes, whose message stays in the logs.
 */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly errors: readonly FieldError[];
  readonly retryAfterSeconds: number | undefined;
  readonly publicDetail: string | undefined;

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.errors = options.errors ?? [];
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.publicDetail = options.publicDetail;
  }

  get status(): (typeof errorCatalog)[ErrorCode]['status'] {
    return errorCatalog[this.code].status;
  }

  get retryable(): boolean {
    return errorCatalog[this.code].retryable;
  }
}
