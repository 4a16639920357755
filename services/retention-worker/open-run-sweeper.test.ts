import { createLogger } from '@memory-layer/shared/observability/logger';
import { expect, test } from 'vitest';
import { createOpenRunSweeper } from './open-run-sweeper.ts';

const logger = createLogger({ service: 'test', level: 'silent' });

test('sweeps at start, goes on after a failure, and no more once stopped', async () => {
  let rounds = 0;
  const { promise: third, resolve } = Promise.withResolvers<undefined>();
  const sweeper = createOpenRunSweeper({
    schedule: {
      ringStuckRuns: async () => {
        rounds += 1;
        if (rounds === 1) throw new Error('the database is away');
        if (rounds === 3) resolve(undefined);
        return 0;
      },
    },
    logger,
    everyMs: 1,
  });
  await sweeper.start();
  expect(rounds).toBe(1);
  await third;
  await sweeper.stop();
  const after = rounds;
  await new Promise((done) => {
    setTimeout(done, 20);
  });
  expect(rounds).toBe(after);
});

test('waits for the round under way, and may be stopped twice or without a start', async () => {
  const { promise: release, resolve } = Promise.withResolvers<number>();
  const sweeper = createOpenRunSweeper({ schedule: { ringStuckRuns: async () => release }, logger, everyMs: 1 });
  await sweeper.stop();
  const started = sweeper.start();
  const ended: string[] = [];
  const end = async (name: string, stopping: Promise<void>) => {
    await stopping;
    ended.push(name);
  };
  const stopped = end('stop', sweeper.stop());
  await new Promise((done) => {
    setTimeout(done, 5);
  });
  ended.push('round');
  resolve(0);
  await Promise.all([started, stopped]);
  expect(ended).toEqual(['round', 'stop']);
  await sweeper.stop();
});
