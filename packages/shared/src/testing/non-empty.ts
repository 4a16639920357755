import assert from 'node:assert/strict';

/** The elements of a list, for a loop that expects something of each: fails where there are none. */
export function nonEmpty<T>(list: Iterable<T>): [T, ...T[]] {
  const [first, ...others] = list;
  assert(first !== undefined, 'there is nothing to expect something of');
  return [first, ...others];
}
