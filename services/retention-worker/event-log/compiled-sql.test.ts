import { compiledSql } from '@memory-layer/shared/testing/compiled-sql';
import { expect, test } from 'vitest';
import { createEventLogRepository } from './event-log.repository.ts';

test('the statement that prunes the event log', async () => {
  const text = await compiledSql((db) => createEventLogRepository(db).prune({ keepMinutes: 60, limit: 1000 }));
  await expect(text).toMatchFileSnapshot('__sql__/prune-event-log.sql');
});
