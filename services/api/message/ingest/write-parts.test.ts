import { describe, expect, test } from 'vitest';
import { costOfRow, toMessageRow, type MessageRow } from './message-row.ts';
import { partsOf } from './message-write.repository.ts';
import { nonEmpty } from '@memory-layer/shared/testing/non-empty';

const row = (content: string, externalId?: string): MessageRow =>
  toMessageRow(
    {
      tenantId: 't',
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
    new Date(0),
    content,
  );

describe('parts of a request', () => {
  const rows = Array.from({ length: 40 }, (_, n) => row(`${n} ${'x'.repeat(n * 100)}`, `m${(n * 7) % 13}`));
  const parts = partsOf({ rows, claim: { tenantId: 't', key: 'k', requestHash: Buffer.alloc(32) } }, 6000);

  test('have every row once, and cost no more than they may', () => {
    expect(parts.length).toBeGreaterThan(10);
    expect(parts.flatMap(({ places }) => places).toSorted((a, b) => a - b)).toEqual(rows.map((_, n) => n));
    for (const part of parts) {
      expect(part.request.rows).toEqual(part.places.map((place) => rows[place]));
      expect(part.request.rows.reduce((sum, one) => sum + costOfRow(one), 0)).toBeLessThanOrEqual(6000);
    }
  });

  test('keep the order of those with the same external id', () => {
    const ordered = parts.flatMap((part) => part.request.rows);
    for (const same of nonEmpty(Map.groupBy(ordered, ({ externalId }) => externalId).values())) {
      expect(same).toEqual(rows.filter(({ externalId }) => externalId === same[0]?.externalId));
    }
  });

  test('hold keys that no client can send, the same each time', () => {
    expect(parts.slice(0, 3).map((part) => part.request.claim?.key)).toEqual(['k', 'k part 2', 'k part 3']);
  });

  test('are one where the request fits, and a row that does not fit is one', () => {
    const small = { rows: rows.slice(0, 3), claim: undefined };
    expect(partsOf(small, 6000)).toEqual([{ request: small, places: [0, 1, 2] }]);
    const mixed = [row('a'), row('y'.repeat(9000)), row('b')];
    expect(partsOf({ rows: mixed, claim: undefined }, 6000).map(({ places }) => places)).toEqual([[0], [1], [2]]);
  });
});
