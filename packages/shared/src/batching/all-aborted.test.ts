import { expect, test } from 'vitest';
import { allAborted } from './all-aborted.ts';

test('is aborted with the last one, and with its reason', () => {
  const [first, second] = [new AbortController(), new AbortController()];
  const all = allAborted([first.signal, second.signal]);
  first.abort(new Error('first'));
  expect(all.aborted).toBe(false);
  second.abort(new Error('second'));
  expect(all.reason).toEqual(new Error('second'));
});

test('counts those that were aborted before', () => {
  const reason = new Error('before');
  expect(allAborted([AbortSignal.abort(reason), AbortSignal.abort(reason)]).reason).toBe(reason);
});

test('is never aborted when somebody cannot go away', () => {
  expect(allAborted([AbortSignal.abort(), undefined]).aborted).toBe(false);
});
