import { pino, type DestinationStream, type Logger } from 'pino';
import { serializeError } from './serialize-error.ts';

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
