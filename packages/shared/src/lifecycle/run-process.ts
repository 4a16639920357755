import type { Logger } from '../observability/logger.ts';
import type { Component } from './component.ts';
import { runShutdown, type ShutdownPhase } from './shutdown.ts';

export interface ProcessOptions {
  readonly logger: Logger;
  /** Time for all shutdown phases together. */
  readonly shutdownDeadlineMs: number;
  /** Called once everything runs. */
  readonly onStarted?: () => void;
}

/**
 * Starts the components in order and stops them in reverse on SIGTERM or SIGINT. A second signal ends the
 * process at once, with code 130.
 *
 * @returns a promise that resolves with the exit code once everything is stopped.
 */
export async function runProcess(components: readonly Component[], options: ProcessOptions): Promise<number> {
  const stopRequested = waitForStopSignal(options.logger);
  const started: Component[] = [];
  try {
    for (const component of components) {
      // A component may need those before it.
      await component.start();
      started.unshift(component);
    }
  } catch (error) {
    options.logger.fatal({ err: error }, 'start failed');
    await shutDown(started, options);
    throw error;
  }
  options.onStarted?.();
  const signal = await stopRequested;
  options.logger.info({ signal }, 'stopping');
  const { unfinished } = await shutDown(started, options);
  return unfinished.length === 0 ? 0 : 1;
}

function shutDown(components: readonly Component[], options: ProcessOptions) {
  const phases = components.map((component): ShutdownPhase => ({ name: component.id, run: () => component.stop() }));
  return runShutdown(phases, { deadlineMs: options.shutdownDeadlineMs, logger: options.logger });
}

function waitForStopSignal(logger: Logger): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let asked = false;
    const onSignal = (signal: NodeJS.Signals) => {
      if (asked) {
        logger.warn({ signal }, 'second signal: ending at once');
        // The operator does not want to wait for the phases.
        // oxlint-disable-next-line no-process-exit
        process.exit(130);
      }
      asked = true;
      resolve(signal);
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
}
