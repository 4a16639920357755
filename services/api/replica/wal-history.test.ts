import { expect, test } from 'vitest';
import { WalHistory } from './wal-history.ts';

function historyOf(...written: readonly (readonly [position: number, atMs: number])[]): WalHistory {
  const history = new WalHistory(1000);
  for (const [position, atMs] of written) history.add(position, atMs);
  return history;
}

test('a standby that has everything has no lag, however long nothing was written', () => {
  const history = historyOf([10, 0], [20, 100], [20, 5000]);
  expect([history.lagMs(20, 5000), history.lagMs(25, 5000)]).toEqual([0, 0]);
});

test('a standby is as far behind as the last moment of which it has everything', () => {
  const history = historyOf([10, 0], [20, 100], [30, 200]);
  expect([history.lagMs(20, 250), history.lagMs(29, 250), history.lagMs(10, 250)]).toEqual([150, 150, 250]);
});

test('it grows with time while a standby stands still', () => {
  const history = historyOf([10, 0], [20, 100]);
  expect([history.lagMs(15, 100), history.lagMs(15, 900)]).toEqual([100, 900]);
});

test('what happened before the history begins is not guessed', () => {
  const history = historyOf([10, 0], [20, 500], [30, 1000], [40, 2000]);
  expect(history.lagMs(5, 2000)).toBe(Number.POSITIVE_INFINITY);
  expect(new WalHistory(1000).lagMs(5, 0)).toBe(Number.POSITIVE_INFINITY);
});

test('the moment at which the history begins is kept, older ones are not', () => {
  const history = historyOf([10, 0], [20, 500], [30, 1600], [40, 2000]);
  expect(history.lagMs(20, 2000)).toBe(1500);
  expect(history.lagMs(10, 2000)).toBe(Number.POSITIVE_INFINITY);
});

test('positions of another primary replace those of the one before', () => {
  const history = historyOf([1000, 0], [10, 100]);
  expect([history.lagMs(10, 100), history.lagMs(9, 100)]).toEqual([0, Number.POSITIVE_INFINITY]);
});
