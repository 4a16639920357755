import { describe, expect, test } from 'vitest';

import { RunningUnit } from './running-unit.ts';

const queryCancelPending = 8;
const interruptPending = 12;
const latchPointerAddress = 16;
const latchAddress = 32;

function createUnit() {
  const memory = new SharedArrayBuffer(64);
  const words = new Int32Array(memory);
  words[latchPointerAddress >> 2] = latchAddress;
  const flags = {
    memory,
    queryCancelPending,
    interruptPending,
    latch: latchPointerAddress,
  };
  const unit = RunningUnit.over(flags);
  return {
    unit,
    /** As another thread has it. */
    elsewhere: new RunningUnit(unit.shared),
    /** As PostgreSQL does between two messages. */
    forget: () => (words[queryCancelPending >> 2] = 0),
    isCancelPending: () => words[queryCancelPending >> 2] === 1,
    readFlags: () => [queryCancelPending, interruptPending, latchAddress].map((address) => words[address >> 2]),
  };
}

describe('RunningUnit', () => {
  test('sets what StatementCancelHandler sets', () => {
    const { unit, elsewhere, readFlags } = createUnit();
    unit.begin(1, undefined);
    expect(elsewhere.cancel(1)).toBeDefined();
    expect(readFlags()).toEqual([1, 1, 1]);
  });

  test('leaves no cancellation to the next unit when its own has ended before it took effect', () => {
    const { unit, elsewhere, isCancelPending } = createUnit();
    for (const cancel of [() => elsewhere.cancel(1), () => elsewhere.cancelAny(), () => elsewhere.cancelIfLate()]) {
      unit.begin(1, 1n);
      cancel();
      expect(isCancelPending()).toBe(true);
      unit.end(1);
      unit.begin(2, undefined);
      expect(isCancelPending()).toBe(false);
      unit.end(2);
    }
  });

  test('is cancelled again while it runs, as the engine may have ignored it; the next of its session is not', () => {
    const { unit, elsewhere, forget, isCancelPending } = createUnit();
    unit.begin(1, undefined);
    const cancelled = elsewhere.cancel(1);
    forget();
    expect(elsewhere.cancel(1, cancelled)).toBe(cancelled);
    expect(isCancelPending()).toBe(true);
    unit.end(1);
    unit.begin(1, undefined);
    expect(elsewhere.cancel(1, cancelled)).not.toBe(cancelled);
    expect(isCancelPending()).toBe(false);
  });

  test('is not cancelled for another session, before its deadline, or when it has ended', () => {
    const { unit, elsewhere, readFlags } = createUnit();
    unit.begin(1, process.hrtime.bigint() + 60_000_000_000n);
    expect(elsewhere.cancel(2)).toBeUndefined();
    elsewhere.cancelIfLate();
    unit.end(1);
    expect(elsewhere.cancel(1)).toBeUndefined();
    elsewhere.cancelAny();
    elsewhere.cancelIfLate();
    expect(readFlags()).toEqual([0, 0, 0]);
  });
});
