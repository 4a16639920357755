import { ConfigError } from '../config/load-config.ts';
import type { Component } from '../lifecycle/component.ts';
import { endProcess, runProcess, StartRefused } from './run-process.ts';
import type { LogOutput } from '../observability/log-output.ts';
import type { ServiceConfig } from './service-config.ts';
import type { ServiceResources } from './service-resources.ts';

/** Components of a service in the order in which they start, and what they share. */
export interface Service {
  readonly config: Pick<ServiceConfig, 'shutdownDeadlineMs'>;
  readonly resources: Pick<ServiceResources, 'logger' | 'output'>;
  readonly components: readonly Component[];
}

/**
 * The whole life of a service's process, from its variables to its exit code: 0 stopped cleanly, 2 the
 * configuration is wrong, 1 anything else; that of a process of its own that could not start.
 */
export async function runService(compose: () => Service): Promise<void> {
  let output: LogOutput | undefined;
  let exitCode: number;
  try {
    const { config, resources, components } = compose();
    const { logger } = resources;
    ({ output } = resources);
    exitCode = await runProcess(components, {
      logger,
      shutdownDeadlineMs: config.shutdownDeadlineMs,
      onStarted: () => logger.info('started'),
    });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (message !== '') process.stderr.write(`${message}\n`);
    exitCode = exitCodeOf(error);
  }
  await endProcess(exitCode, output);
}

function exitCodeOf(error: unknown): number {
  if (error instanceof StartRefused) return error.exitCode;
  return error instanceof ConfigError ? 2 : 1;
}
