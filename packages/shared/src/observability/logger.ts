import { pino, type DestinationStream, type Logger } from 'pino';

export type { Logger } from 'pino';

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

export interface LoggerOptions {
  readonly service: string;
  readonly level: LogLevel;
  /** Where lines go: a `LogOutput` in a process; nowhere when not given. */
  readonly stream?: DestinationStream;
}

// Names under which a secret or a user's words could slip into a log line.
const redactedPaths = ['authorization', 'apiKey', 'api_key', 'content', 'query', 'password', 'headers'];

const nowhere: DestinationStream = { write: () => undefined };

/** JSON lines: one per request and per job attempt. Secrets and message content are redacted by name. */
export function createLogger(options: LoggerOptions): Logger {
  return pino(
    {
      level: options.level,
      base: { service: options.service },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: redactedPaths.flatMap((path) => [path, `*.${path}`]), censor: '[redacted]' },
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: (error: unknown) => serializeError(error) },
    },
    options.stream ?? nowhere,
  );
}

/** What a log line says of an error. */
interface LoggedError {
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
function serializeError(error: unknown, depth = 0): LoggedError {
  if (!(error instanceof Error)) {
    return { type: typeof error, message: String(error), stack: undefined, code: undefined, cause: undefined };
  }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const hasCause = error.cause !== undefined && depth < maxCauses;
  const cause = hasCause ? serializeError(error.cause, depth + 1) : undefined;
  return { type: error.name, message: error.message, stack: error.stack, code, cause };
}
