import { compiledSql } from '@memory-layer/shared/testing/compiled-sql';
import { expect, test } from 'vitest';
import { startOf } from './event-position.ts';
import { readStatement } from './read-events.sql.ts';

test('the statement that reads the event log', async () => {
  const statement = readStatement({ tenantIds: ['acme', 'other'], from: startOf(1n), limit: 20 });
  await expect(await compiledSql((db) => statement.execute(db))).toMatchFileSnapshot('__sql__/read-events.sql');
});
