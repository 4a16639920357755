import { createLogger, type Logger } from '@memory-layer/shared/observability/logger';
import pretty from 'pino-pretty';
import type { StandaloneConfig } from './config.ts';

/** JSON lines, or lines for people when a person is looking. */
export function createStandaloneLogger(config: Pick<StandaloneConfig, 'logLevel' | 'logFormat'>): Logger {
  const isPretty = config.logFormat === 'pretty' || (config.logFormat === 'auto' && process.stdout.isTTY);
  const options = { service: 'standalone', level: config.logLevel };
  if (!isPretty) return createLogger(options);
  return createLogger({ ...options, stream: pretty({ sync: true, ignore: 'pid,hostname,service' }) });
}
