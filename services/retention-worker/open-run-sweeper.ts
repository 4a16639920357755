import type { Component } from '@memory-layer/shared/lifecycle/component';
import type { Logger } from '@memory-layer/shared/observability/logger';
import type { ScheduleService } from './schedule.service.ts';

export interface OpenRunSweeperOptions {
  readonly schedule: Pick<ScheduleService, 'ringStuckRuns'>;
  readonly logger: Logger;
  readonly everyMs: number;
}

/**
 * Rings for open runs that nobody works on, at start and then again and again: the queue may have lost a bell,
 * and a worker may have died over a run. A round that fails is logged, and the next one tries again.
 */
export function createOpenRunSweeper({ schedule, logger, everyMs }: OpenRunSweeperOptions): Component {
  let timer: NodeJS.Timeout | undefined;
  let round: Promise<void> | undefined;
  let stopped = false;

  async function sweep(): Promise<void> {
    try {
      const rung = await schedule.ringStuckRuns();
      if (rung > 0) logger.info({ rung }, 'rang again for retention runs');
    } catch (error) {
      logger.warn({ err: error }, 'retention runs could not be swept');
    }
    if (stopped) return;
    timer = setTimeout(() => {
      round = sweep();
    }, everyMs);
  }

  return {
    id: 'open-run-sweeper',
    async start() {
      stopped = false;
      round ??= sweep();
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
