import { pino, type DestinationStream, type Logger, type LoggerOptions as PinoOptions } from 'pino';
import { isDiskFull } from '../errors/disk-full.ts';

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
      hooks: { logMethod: sayFullDiskOnce() },
      serializers: { err: (error: unknown) => serializeError(error) },
    },
    options.stream ?? nowhere,
  );
}

const fullDiskQuietMs = 60_000;
const warn = 40;

/**
 * A full disk fails everything that writes, again and again, and the log may be on the same disk: one warning a minute
 * takes the place of all lines about it, wherever they come from.
 */
function sayFullDiskOnce(): NonNullable<NonNullable<PinoOptions['hooks']>['logMethod']> {
  let saidAt: number | undefined;
  return function logMethod(args, method, level) {
    const [fields]: unknown[] = args;
    const error = typeof fields === 'object' && fields !== null && 'err' in fields ? fields.err : undefined;
    if (level < warn || !isDiskFull(error)) return method.apply(this, args);
    if (saidAt !== undefined && performance.now() - saidAt < fullDiskQuietMs) return undefined;
    saidAt = performance.now();
    const reason = error instanceof Error ? error.message : undefined;
    return this.warn({ reason }, 'the disk is full: nothing can be stored until there is room again');
  };
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
