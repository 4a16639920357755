import { expect, test } from 'vitest';
import { compiledSql } from '../testing/compiled-sql.ts';
import { appendMessageEvents } from './append-message-events.sql.ts';

test('events are appended by one statement', async () => {
  const messageIds = ['01900000-0000-7000-8000-000000000001'];
  const text = await compiledSql((db) =>
    appendMessageEvents(db, [
      { tenantId: 'acme', type: 'message.embedded', messageIds },
      { tenantId: 'other', type: 'message.failed', messageIds },
    ]),
  );
  await expect(text).toMatchFileSnapshot('__sql__/append-message-events.sql');
});
