import { instantOf } from '@memory-layer/shared/time/instant';
import { expect, test } from 'vitest';
import { decodeCursor, encodeCursor } from './message-cursor.ts';

test('a cursor comes back as it was', () => {
  const cursor = {
    createdAt: instantOf(new Date(1_700_000_000_123)),
    id: '0192f0c1-2a3b-7c4d-8e5f-6a7b8c9d0e1f',
    order: 'desc',
  } as const;
  expect(decodeCursor(encodeCursor(cursor))).toEqual(cursor);
});

test.each([
  '',
  'x',
  'bnVsbA',
  Buffer.from('[1,"no","asc"]').toString('base64url'),
  Buffer.from('[9e15,"0192f0c1-2a3b-7c4d-8e5f-6a7b8c9d0e1f","asc"]').toString('base64url'),
])('anything else is not one: %j', (text) => {
  expect(decodeCursor(text)).toBeUndefined();
});
