import { expect, test } from 'vitest';
import { TimeSlicer } from './time-slicer.ts';

function spin(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

test('the event loop has its turn after some milliseconds, however much work one tenant has', async () => {
  const slicer = new TimeSlicer().of('a');
  let turns = 0;
  let isOver = false;
  const count = (): void => {
    turns += 1;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  await Promise.all(Array.from({ length: 4 }, () => slicer.map(Array.from({ length: 10 }), () => spin(3))));
  isOver = true;
  // 120 ms of work in parts of 3 ms: no two of a caller's are in one turn, and two in all at most.
  expect(turns).toBeGreaterThanOrEqual(20);
});

test('results are in the order of the items', async () => {
  const items = Array.from({ length: 10_000 }, (_, n) => n);
  expect(await new TimeSlicer().of('a').map(items, (n, index) => n + index)).toEqual(items.map((n) => 2 * n));
  expect(await new TimeSlicer().of('a').map([], () => 1)).toEqual([]);
});

test('callers take turns: one with little to do does not wait for all that another has', async () => {
  const slicer = new TimeSlicer().of('a');
  const order: string[] = [];
  const long = slicer.map(Array.from({ length: 20 }), () => spin(3)).then(() => order.push('long'));
  const short = slicer.map([1], () => undefined).then(() => order.push('short'));
  await Promise.all([long, short]);
  expect(order).toEqual(['short', 'long']);
});

test('what a slice throws is its caller’s, and others go on', async () => {
  const slicer = new TimeSlicer().of('a');
  const failing = slicer.run(() => {
    throw new Error('mine');
  });
  const other = slicer.run(() => 'done');
  await expect(failing).rejects.toThrow('mine');
  expect(await other).toBe('done');
});

test('keys take turns: one with sixty requests has as much of the time as one with a single request', async () => {
  const slicer = new TimeSlicer();
  const order: string[] = [];
  const work = (key: string, slices: number) =>
    slicer.of(key).map(Array.from({ length: slices }), () => {
      order.push(key);
      spin(3);
    });
  const many = Array.from({ length: 60 }, () => work('many', 1));
  await Promise.all([...many, work('one', 8)]);
  // Its eight slices alternate with eight of the other, and do not wait for sixty each.
  expect(order.lastIndexOf('one')).toBeLessThanOrEqual(24);
  expect(order).toHaveLength(68);
});

/** How long six slices take that something of 10 ms follows at once, with all others that are asked for. */
async function readSix(hasOthers: (key: string) => boolean, key = 'a'): Promise<number> {
  const slicer = new TimeSlicer(hasOthers).of(key);
  const begun = performance.now();
  const read = async (): Promise<void> => {
    await slicer.runAlone(() => undefined);
    await Promise.resolve();
    spin(10);
  };
  await Promise.all(Array.from({ length: 6 }, read));
  return performance.now() - begun;
}

test('what follows a slice at once is alone in its turn, and others have as long after it, while they ask', async () => {
  // Six times the work, and five times the rest after it.
  expect(await readSix(() => true)).toBeGreaterThanOrEqual(105);
  expect(await readSix((key) => key !== 'a')).toBeLessThan(100);
});

test('others have as long, too, for what was spent on a slice before', async () => {
  const slicer = new TimeSlicer(() => true).of('a');
  const begun = performance.now();
  await Promise.all(Array.from({ length: 4 }, () => slicer.runAlone(() => undefined, 20)));
  expect(performance.now() - begun).toBeGreaterThanOrEqual(58);
});

test('one slice that something follows runs in a turn of the event loop', async () => {
  const slicer = new TimeSlicer().of('a');
  const inTurn: number[] = [];
  let turn = 0;
  let isOver = false;
  const count = (): void => {
    turn += 1;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  await Promise.all(Array.from({ length: 5 }, () => slicer.runAlone(() => inTurn.push(turn))));
  isOver = true;
  expect(new Set(inTurn).size).toBe(5);
});
