import { expect, test } from 'vitest';
import { traceIdOf } from './observe.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const parentId = '00f067aa0ba902b7';

test.each([
  `00-${traceId}-${parentId}-01`,
  `00-${traceId}-${parentId}-00`,
  `cc-${traceId}-${parentId}-01-what-the-future-will-be`,
])('%s has a trace id', (header) => {
  expect(traceIdOf(header)).toBe(traceId);
});

test.each([
  undefined,
  '',
  traceId,
  `00-${traceId}-${parentId}`,
  `00-${traceId}-${parentId}-01-more`,
  `00-${traceId.toUpperCase()}-${parentId}-01`,
  `00-${'0'.repeat(32)}-${parentId}-01`,
  `00-${traceId}-${'0'.repeat(16)}-01`,
  `ff-${traceId}-${parentId}-01`,
  `00-${traceId}x-${parentId}-01`,
  ` 00-${traceId}-${parentId}-01`,
  `cc-${traceId}-${parentId}-01.more`,
])('%j has none', (header) => {
  expect(traceIdOf(header)).toBeUndefined();
});
