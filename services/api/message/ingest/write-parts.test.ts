import { instantOf } from '@memory-layer/shared/time/instant';
import { describe, expect, test } from 'vitest';
import { costOfRow, toMessageRow, type MessageRow } from './message-row.ts';
import { partsOf } from './message-write.repository.ts';

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
    instantOf(new Date(0)),
    content,
  );

describe('parts of a request', () => {
  const rows = Array.from({ length: 40 }, (_, n) => row(`${n} ${'x'.repeat(n * 100)}`, `m${(n * 7) % 13}`));
  const claim = { tenantId: 't', key: 'k', requestHash: Buffer.alloc(32, 7) };
  const parts = partsOf({ rows, claim }, 8000);

  test('have every row once, in their order, and cost no more than they may', () => {
    expect(parts.length).toBeGreaterThan(10);
    expect(parts.flatMap((part) => part.rows)).toEqual(rows);
    for (const part of parts) {
      expect(part.rows.reduce((sum, one) => sum + costOfRow(one), 0)).toBeLessThanOrEqual(8000);
    }
  });

  test('hold keys that no client can send and no other request has, the same each time', () => {
    const hash = '07'.repeat(32);
    expect(parts.slice(0, 3).map((part) => part.claim?.key)).toEqual(['k', `k ${hash} 2`, `k ${hash} 3`]);
    expect(partsOf({ rows, claim }, 8000)).toEqual(parts);
  });

  test('are one where the request fits, and a row that does not fit is one', () => {
    const small = { rows: rows.slice(0, 3), claim: undefined };
    expect(partsOf(small, 8000)).toEqual([small]);
    const mixed = [row('a'), row('y'.repeat(9000)), row('b')];
    expect(partsOf({ rows: mixed, claim: undefined }, 8000).map((part) => part.rows)).toEqual(
      mixed.map((one) => [one]),
    );
  });
});
