import { instantOf } from '@memory-layer/shared/time/instant';
import { startTestDatabase, type TestDatabase } from '@memory-layer/shared/testing/test-database';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createMessageIds, toMessageRow, type MessageRow } from './message-row.ts';
import { createMessageWriteRepository } from './message-write.repository.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.stop());

const nextId = createMessageIds();
const row = (tenantId: string, externalId: string | undefined, content: string): MessageRow =>
  toMessageRow(
    {
      tenantId,
      conversationId: 'c',
      role: 'user',
      content,
      metadata: {},
      importanceOverride: undefined,
      externalId,
      createdAt: undefined,
      expiresAt: undefined,
    },
    1,
    instantOf(new Date()),
    nextId(),
  );
const write = async (rows: readonly MessageRow[]) => {
  const repository = createMessageWriteRepository(database.db, { onRefusedRow: () => undefined });
  const [result] = await repository.write([{ rows, claim: undefined }]);
  return result?.kind === 'written' ? result.outcomes : [];
};

const numbers = Array.from({ length: 300 }, (_, n) => n);
const large = 'x'.repeat(15_000);

// They run side by side on a server; the embedded database runs one transaction at a time.
test('writes of the same messages in different orders, large and small, never deadlock', async () => {
  for (let round = 0; round < 3; round++) {
    const rows = (content: string) => numbers.map((n) => row(`round-${round}-${n % 7}`, `m${n}`, content));
    const results = await Promise.all([
      write(rows(large)),
      write(rows(large).toReversed()),
      write(rows('small').toReversed()),
    ]);
    const kinds = results.flat().map(({ kind }) => kind);
    expect(kinds).toHaveLength(3 * numbers.length);
    expect(kinds.filter((kind) => kind === 'stored')).toHaveLength(numbers.length);
  }
});

test('and rows that the database refuses do not change the order', async () => {
  for (let round = 0; round < 3; round++) {
    const rows = () => numbers.map((n) => row(`refused-${round}-${n % 7}`, `m${n}`, n === 150 ? 'a\0b' : large));
    const results = await Promise.all([write(rows()), write(rows().toReversed())]);
    const kinds = results.flat().map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'stored')).toHaveLength(numbers.length - 1);
    expect(kinds.filter((kind) => kind === 'refused')).toHaveLength(2);
  }
});
