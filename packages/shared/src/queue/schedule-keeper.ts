import type { Component } from '../lifecycle/component.ts';

export interface ScheduleKeeperOptions {
  readonly id: string;
  /** Upserts every schedule of the owner. */
  readonly upsert: () => Promise<void>;
  /** How often to repeat it. Default 60 000; a tenth is added or taken off at random. */
  readonly everyMs?: number;
  readonly onError: (error: Error) => void;
}

/**
 * Upserts schedules at start, then again and again: Redis forgets them when it is flushed or loses its data,
 * and nothing else would bring them back while the process runs.
 *
 * `start` does not fail when the queue is away; the next round mends it.
 */
export function createScheduleKeeper(options: ScheduleKeeperOptions): Component {
  const { id, upsert, everyMs = 60_000, onError } = options;
  let timer: NodeJS.Timeout | undefined;
  let round: Promise<void> | undefined;
  let stopped = false;

  async function keep(): Promise<void> {
    try {
      await upsert();
    } catch (error) {
      onError(error instanceof Error ? error : new Error(String(error)));
    }
    if (stopped) return;
    timer = setTimeout(
      () => {
        round = keep();
      },
      everyMs * (0.9 + Math.random() / 5),
    );
  }

  return {
    id,
    async start() {
      stopped = false;
      round ??= keep();
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
