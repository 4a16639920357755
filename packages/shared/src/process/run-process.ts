import { ConfigError } from '../config/load-config.ts';
import type { LogOutput } from '../observability/log-output.ts';
import type { Logger } from '../observability/logger.ts';
import type { Component } from '../lifecycle/component.ts';
import { runShutdown, type ShutdownPhase } from './shutdown.ts';

export interface ProcessOptions {
  readonly logger: Logger;
  /** Time for all shutdown phases together. */
  readonly shutdownDeadlineMs: number;
  /** Called once everything runs. */
  readonly onStarted?: () => void;
}

/**
 * Starts the components in order and stops them in reverse on SIGTERM or SIGINT. A later second signal ends the
 * process at once, with code 130.
 *
 * @returns a promise that resolves with the exit code once everything is stopped.
 */
export async function runProcess(components: readonly Component[], options: ProcessOptions): Promise<number> {
  const stopRequested = waitForStopSignal(options.logger);
  const begun: Component[] = [];
  try {
    const allStarted = await startInOrder(components, begun, stopRequested);
    if (allStarted) options.onStarted?.();
  } catch (error) {
    // A mistake of the operator's, printed in one line by the caller; where in the code it was found helps nobody.
    const isTold = error instanceof ConfigError || error instanceof StartRefused;
    if (!isTold) options.logger.fatal({ err: error }, 'start failed');
    await shutDown(begun, options);
    throw error;
  }
  const signal = await stopRequested;
  options.logger.info({ signal }, 'stopping');
  const { unfinished } = await shutDown(begun, options);
  return unfinished.length === 0 ? 0 : 1;
}

/** A process of this service could not start: the service ends as that process did. */
export class StartRefused extends Error {
  override readonly name = 'StartRefused';
  readonly exitCode: number;

  /** @param message empty when that process has said why itself. */
  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}

/**
 * Until the process can stop in order, a signal ends it at once with that code. Without a handler, the first process of
 * a container would not notice the signal.
 *
 * @returns what ends this, to be called right before `runProcess`.
 */
export function exitOnSignal(exitCode: number): () => void {
  // oxlint-disable-next-line no-process-exit
  const onSignal = () => process.exit(exitCode);
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  return () => {
    process.off('SIGTERM', onSignal);
    process.off('SIGINT', onSignal);
  };
}

// What a reader may take for the last lines, and what else may take to end by itself.
const lastLinesMs = 500;

/**
 * Ends the process with that code: by itself once nothing is left to do, and soon at any rate. Lines that nobody reads
 * would keep it alive.
 */
export async function endProcess(exitCode: number, output: Pick<LogOutput, 'flush'> | undefined): Promise<void> {
  process.exitCode = exitCode;
  await output?.flush(lastLinesMs);
  // oxlint-disable-next-line no-process-exit
  setTimeout(() => process.exit(exitCode), lastLinesMs).unref();
}

/**
 * Puts each component in front of `begun` before its start has ended, so that one that waits for something can
 * be stopped meanwhile.
 *
 * @returns whether all are up; false when a signal came first.
 */
async function startInOrder(
  components: readonly Component[],
  begun: Component[],
  stopRequested: Promise<NodeJS.Signals>,
): Promise<boolean> {
  for (const component of components) {
    begun.unshift(component);
    const starting = component.start().then(() => 'started' as const);
    // Once a signal came, how a start ends is of no interest any more.
    starting.catch(() => undefined);
    if ((await Promise.race([starting, stopRequested])) !== 'started') return false;
  }
  return true;
}

function shutDown(components: readonly Component[], options: ProcessOptions) {
  const phases = components.map((component): ShutdownPhase => ({ name: component.id, run: () => component.stop() }));
  return runShutdown(phases, { deadlineMs: options.shutdownDeadlineMs, logger: options.logger });
}

// One Ctrl-C arrives several times: from the terminal, and from npm and whatever else passes it on.
const sameSignalMs = 500;

function waitForStopSignal(logger: Logger): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let askedAt: number | undefined;
    const onSignal = (signal: NodeJS.Signals) => {
      if (askedAt !== undefined && performance.now() - askedAt < sameSignalMs) return;
      if (askedAt !== undefined) {
        logger.warn({ signal }, 'second signal: ending at once');
        // The operator does not want to wait for the phases.
        // oxlint-disable-next-line no-process-exit
        process.exit(130);
      }
      askedAt = performance.now();
      resolve(signal);
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
}
