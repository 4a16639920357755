import type { LogOutput } from '@memory-layer/shared/observability/log-output';
import { createLogger, type Logger } from '@memory-layer/shared/observability/logger';
import { prettyFactory } from 'pino-pretty';
import type { StandaloneConfig } from './config.ts';

/** JSON lines, or lines for people when a person is looking. */
export function createStandaloneLogger(
  config: Pick<StandaloneConfig, 'logLevel' | 'logFormat'>,
  output: LogOutput,
): Logger {
  const isPretty = config.logFormat === 'pretty' || (config.logFormat === 'auto' && process.stdout.isTTY);
  const options = { service: 'standalone', level: config.logLevel };
  if (!isPretty) return createLogger({ ...options, stream: output });
  const prettify = prettyFactory({ ignore: 'pid,hostname,service' });
  return createLogger({ ...options, stream: { write: (line) => output.write(prettify(line)) } });
}
