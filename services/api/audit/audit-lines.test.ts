import { AppError } from '@memory-layer/shared/errors/app-error';
import { describe, expect, test } from 'vitest';
import { textStream } from '../http/text-stream.ts';
import { auditLines } from './audit-lines.ts';
import type { AuditPage, AuditRecord } from './audit.ts';

const pageOf = (numbers: readonly number[], next?: string): AuditPage => ({ items: numbers.map(recordOf), next });

function recordOf(n: number): AuditRecord {
  return {
    id: String(n),
    at: new Date(n),
    tenantId: undefined,
    actor: {},
    action: 'message.delete',
    objectType: 'message',
    objectId: undefined,
    outcome: 'success',
    requestId: undefined,
    address: undefined,
    changes: {},
  };
}

function setUp(pages: readonly (AuditPage | Error)[], limit = 100) {
  const reads: [after: string, limit: number][] = [];
  const [first, ...others] = pages;
  if (first === undefined || first instanceof Error) throw new Error('the first page is read before');
  const source = auditLines({
    first,
    limit,
    read: async (...asked) => {
      reads.push(asked);
      const page = others.shift();
      if (page === undefined || page instanceof Error) throw page ?? new Error('there is no such page');
      return page;
    },
    onError: (cause) => new AppError('unavailable', 'the database is away', { cause }),
  });
  return { source, reads };
}

async function linesOf(source: AsyncIterable<string>): Promise<Record<string, unknown>[]> {
  let text = '';
  for await (const part of source) text += part;
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

describe('the lines of the audit log', () => {
  test('are those of all pages, empty ones among them, and end with the end', async () => {
    const { source, reads } = setUp([pageOf([1, 2], 'a'), pageOf([], 'b'), pageOf([3])]);
    const lines = await linesOf(source);
    expect(lines.map((line) => line['id'] ?? line)).toEqual(['1', '2', '3', { next_cursor: null }]);
    expect(reads).toEqual([
      ['a', 98],
      ['b', 98],
    ]);
  });

  test('are no more than asked for, and say where to go on', async () => {
    const { source, reads } = setUp([pageOf([1, 2], 'a'), pageOf([3], 'b')], 3);
    expect((await linesOf(source)).at(-1)).toEqual({ next_cursor: 'b' });
    expect(reads).toEqual([['a', 1]]);
  });

  test('end early with what went wrong, and where to go on', async () => {
    const { source } = setUp([pageOf([1], 'a'), pageOf([2], 'b'), new Error('away')]);
    expect((await linesOf(source)).at(-1)).toEqual({ next_cursor: 'b', code: 'unavailable' });
  });

  test('are read as the client takes them: no page before the one before is taken', async () => {
    const { source, reads } = setUp([pageOf([1], 'a'), pageOf([2], 'b'), pageOf([3], 'c')]);
    const reader = textStream(source).getReader();
    for (const read of [0, 1, 2]) {
      await reader.read();
      await new Promise((resolve) => setTimeout(resolve, 5));
      expect(reads).toHaveLength(read);
    }
    await reader.cancel();
    expect(reads).toHaveLength(2);
  });
});
