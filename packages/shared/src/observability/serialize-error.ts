/** What a log line says of an error. */
export interface LoggedError {
  readonly type: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly code: string | undefined;
  readonly cause: LoggedError | undefined;
}

const maxCauses = 5;

/**
 * Name, message, stack, code and causes, nothing else: drivers hang whole connections on their errors, and a
 * database's `detail` quotes the row, which is somebody's words.
 */
export function serializeError(error: unknown, depth = 0): LoggedError {
  if (!(error instanceof Error)) {
    return { type: typeof error, message: String(error), stack: undefined, code: undefined, cause: undefined };
  }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const hasCause = error.cause !== undefined && depth < maxCauses;
  const cause = hasCause ? serializeError(error.cause, depth + 1) : undefined;
  return { type: error.name, message: error.message, stack: error.stack, code, cause };
}
