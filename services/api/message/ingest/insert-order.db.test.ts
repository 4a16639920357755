import type { Schema } from '@memory-layer/shared/db/schema';
import { startTestDatabase, type TestDatabase } from '@memory-layer/shared/testing/test-database';
import type { Kysely } from 'kysely';
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
    new Date(),
    nextId(),
  );
const writeTo = async (db: Kysely<Schema>, rows: readonly MessageRow[]) => {
  const repository = createMessageWriteRepository(db, { onRefusedRow: () => undefined });
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
      writeTo(database.db, rows(large)),
      writeTo(database.db, rows(large).toReversed()),
      writeTo(database.db, rows('small').toReversed()),
    ]);
    const kinds = results.flat().map(({ kind }) => kind);
    expect(kinds).toHaveLength(3 * numbers.length);
    expect(kinds.filter((kind) => kind === 'stored')).toHaveLength(numbers.length);
  }
});

test('and rows that the database refuses do not change the order', async () => {
  for (let round = 0; round < 3; round++) {
    const rows = () => numbers.map((n) => row(`refused-${round}-${n % 7}`, `m${n}`, n === 150 ? 'a\0b' : large));
    const results = await Promise.all([writeTo(database.db, rows()), writeTo(database.db, rows().toReversed())]);
    const kinds = results.flat().map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'stored')).toHaveLength(numbers.length - 1);
    expect(kinds.filter((kind) => kind === 'refused')).toHaveLength(2);
  }
});

/** The database, and the contents of the messages of each statement that it is given. */
function observed(db: Kysely<Schema>) {
  const statements: string[][] = [];
  const watched = db.withPlugin({
    transformQuery: ({ node, queryId }) => {
      const { sql, parameters } = db.getExecutor().compileQuery(node, queryId);
      const contents = parameters[4];
      if (sql.includes('insert into message') && Array.isArray(contents)) statements.push(contents);
      return node;
    },
    transformResult: async ({ result }) => result,
  });
  return { watched, statements };
}

const mebibyte = 1_048_576;

test('a large write goes in statements of a mebibyte at most, and outcomes are in the order of the request', async () => {
  for (const externalIdOf of [() => undefined, (n: number) => `m${(n * 7) % 300}`]) {
    const { watched, statements } = observed(database.db);
    const rows = numbers.map((n) => row('parts', externalIdOf(n), `${n} ${large}`));
    const outcomes = await writeTo(watched, rows);
    expect(outcomes.map((outcome) => 'message' in outcome && outcome.message.id)).toEqual(rows.map(({ id }) => id));
    const sizes = statements.map((contents) => contents.join('').length);
    expect(statements.flat().toSorted()).toEqual(rows.map(({ content }) => content).toSorted());
    expect(Math.max(...sizes)).toBeLessThanOrEqual(mebibyte);
    // 300 rows of 15 kB: 69 of them are a statement.
    expect(statements).toHaveLength(5);
  }
});

test('a row that is larger than that has a statement of its own, and a small write is one statement', async () => {
  const { watched, statements } = observed(database.db);
  await writeTo(watched, [row('sizes', 'a', 'one'), row('sizes', 'b', 'y'.repeat(mebibyte)), row('sizes', 'c', 'two')]);
  expect(statements.map((contents) => contents.map(({ length }) => length))).toEqual([[3], [mebibyte], [3]]);
  statements.length = 0;
  await writeTo(watched, [row('sizes', 'd', 'one'), row('sizes', 'e', 'two')]);
  expect(statements).toEqual([['one', 'two']]);
});
