import type { Logger } from '../observability/logger.ts';

/** One named step of going down. Phases run one after the other. */
export interface ShutdownPhase {
  readonly name: string;
  run(): Promise<void>;
}

export interface ShutdownResult {
  /** Names of the phases that failed or did not end within the deadline. */
  readonly unfinished: readonly string[];
}

/**
 * Runs the phases in order under one deadline. A phase that fails is logged and does not keep later ones
 * from running; after the deadline the remaining ones are named and given up.
 */
export async function runShutdown(
  phases: readonly ShutdownPhase[],
  options: { readonly deadlineMs: number; readonly logger: Logger },
): Promise<ShutdownResult> {
  const deadline = Date.now() + options.deadlineMs;
  const unfinished: string[] = [];
  for (const phase of phases) {
    const started = Date.now();
    // Phases depend on the order: the queue must stop before the database closes under it.
    const outcome = await runPhase(phase, Math.max(0, deadline - started));
    const fields = { phase: phase.name, durationMs: Date.now() - started };
    if (outcome === 'done') {
      options.logger.info(fields, 'shutdown phase done');
    } else {
      unfinished.push(phase.name);
      options.logger.error({ ...fields, err: outcome }, 'shutdown phase did not finish');
    }
  }
  return { unfinished };
}

async function runPhase(phase: ShutdownPhase, leftMs: number): Promise<'done' | Error> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Error>((resolve) => {
    timer = setTimeout(() => resolve(new Error('the shutdown deadline passed')), leftMs);
  });
  const work = phase.run().then(
    () => 'done' as const,
    (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
  );
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
