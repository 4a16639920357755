import { expect, test } from 'vitest';
import { createLogger } from '../observability/logger.ts';
import { runShutdown } from './shutdown.ts';

const logger = createLogger({ service: 'test', level: 'silent' });
const never = () => new Promise<void>(() => undefined);

test('phases run in order, and a failing one does not stop the next', async () => {
  const ran: string[] = [];
  const result = await runShutdown(
    [
      { name: 'drain', run: async () => void ran.push('drain') },
      { name: 'broken', run: () => Promise.reject(new Error('no')) },
      { name: 'close', run: async () => void ran.push('close') },
    ],
    { deadlineMs: 1000, logger },
  );
  expect(ran).toEqual(['drain', 'close']);
  expect(result.unfinished).toEqual(['broken']);
});

test('one deadline covers all phases', async () => {
  const result = await runShutdown(
    [
      { name: 'hangs', run: never },
      { name: 'hangs-too', run: never },
    ],
    { deadlineMs: 30, logger },
  );
  expect(result.unfinished).toEqual(['hangs', 'hangs-too']);
});
