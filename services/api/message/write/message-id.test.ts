import { validate, version } from 'uuid';
import { expect, test } from 'vitest';
import { createMessageIds } from './message-id.ts';

test('ids are UUIDv7 of their moment, all different, each larger than the one before', () => {
  let time = Date.UTC(2026, 2, 1);
  const nextId = createMessageIds(() => time);
  const ids: string[] = [];
  for (let n = 0; n < 5000; n++) {
    if (n % 700 === 699) time += 1;
    ids.push(nextId());
  }
  expect(new Set(ids).size).toBe(5000);
  expect(ids.toSorted()).toEqual(ids);
  expect(ids.every((id) => validate(id) && version(id) === 7)).toBe(true);
  expect(Number.parseInt((ids[0] ?? '').replaceAll('-', '').slice(0, 12), 16)).toBe(Date.UTC(2026, 2, 1));
});

test('a clock that is set back does not make ids smaller', () => {
  let time = 1000;
  const nextId = createMessageIds(() => time);
  const before = nextId();
  time = 500;
  expect(nextId() > before).toBe(true);
});

test('what two processes make at the same moment differs', () => {
  const [one, other] = [createMessageIds(() => 1000), createMessageIds(() => 1000)];
  expect(one()).not.toBe(other());
});
