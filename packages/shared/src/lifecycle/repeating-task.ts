import type { Component } from './component.ts';

export interface RepeatingTaskOptions {
  readonly id: string;
  readonly run: () => Promise<void>;
  /** A tenth is added or taken off at random, so that many processes do not run in step. */
  readonly everyMs: number;
  /** Called when a round failed. The next one tries again. */
  readonly onError: (error: Error) => void;
}

/**
 * Runs something at start, then again and again. `start` waits for the first round and does not fail with it;
 * `stop` waits for the round under way.
 */
export function createRepeatingTask(options: RepeatingTaskOptions): Component {
  const { id, run, everyMs, onError } = options;
  let timer: NodeJS.Timeout | undefined;
  let round: Promise<void> | undefined;
  let stopped = false;

  async function runRound(): Promise<void> {
    try {
      await run();
    } catch (error) {
      onError(error instanceof Error ? error : new Error(String(error)));
    }
    if (stopped) return;
    timer = setTimeout(
      () => {
        round = runRound();
      },
      everyMs * (0.9 + Math.random() / 5),
    );
  }

  return {
    id,
    async start() {
      stopped = false;
      round ??= runRound();
      await round;
    },
    async stop() {
      stopped = true;
      await round;
      clearTimeout(timer);
      round = undefined;
    },
  };
}
