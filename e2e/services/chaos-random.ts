export type Random = ReturnType<typeof createRandom>;

/** Chance with a seed: the same one gives the same choices. mulberry32, by Tommy Ettinger, public domain. */
export function createRandom(seed: number) {
  let state = seed >>> 0;

  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  const int = (min: number, max: number): number => min + Math.floor(next() * (max - min + 1));

  function pick<T>(items: readonly T[]): T {
    const item = items[int(0, items.length - 1)];
    if (item === undefined) throw new Error('there is nothing to pick from');
    return item;
  }

  return {
    /** From min to max, both included. */
    int,
    pick,
    chance: (probability: number): boolean => next() < probability,
    shuffle<T>(items: readonly T[]): T[] {
      const keyed = items.map((item) => ({ item, key: next() }));
      return keyed.toSorted((a, b) => a.key - b.key).map(({ item }) => item);
    },
    /** Another one, whose choices do not depend on how often this one is asked meanwhile. */
    fork: () => createRandom(int(0, 2 ** 31)),
  };
}
