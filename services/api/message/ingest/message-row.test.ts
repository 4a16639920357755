import { validate, version } from 'uuid';
import { describe, expect, test } from 'vitest';
import { createMessageIds, importanceOf } from './message-row.ts';

describe('importance', () => {
  test.each([
    ['user', 0.233],
    ['assistant', 0.167],
    ['system', 0.3],
    ['tool', 0.1],
  ] as const)('%s is worth %d by itself', (role, value) => {
    expect(importanceOf(role, undefined)).toBeCloseTo(value, 3);
  });

  test('an override is taken as it is, zero included', () => {
    expect(importanceOf('system', 0)).toBe(0);
    expect(importanceOf('tool', 0.35)).toBe(0.35);
  });
});

describe('ids', () => {
  test('are UUIDv7 of their moment, all different, each larger than the one before', () => {
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
});
