import { describe, expect, test } from 'vitest';
import { TermStatistics } from '../stats/term-statistics.ts';
import { sampleOf } from '../stats/testing/sample-of.ts';
import { weighTerms } from './lexical-query.ts';

/** Counts the looks at the text of the sample. */
class CountedStatistics extends TermStatistics {
  readonly looks = new Set<string>();

  override postingsOf(term: string): readonly number[] {
    this.looks.add(term);
    return super.postingsOf(term);
  }
}

/** Message n has the words w1 to wn, so that w1 is in all of them and the last word in one. */
const falling = (count: number) =>
  sampleOf(Array.from({ length: count }, (_, n) => Array.from({ length: n + 1 }, (__, m) => `w${m + 1}`)));

describe('the words of a query', () => {
  test('are all looked up when they are few, the rarest first', async () => {
    const statistics = new CountedStatistics(falling(40));
    const terms = await weighTerms(['w1', 'unknown', 'w40', 'w20'], statistics);
    expect(terms.map(({ term }) => term)).toEqual(['w40', 'w20', 'w1', 'unknown']);
    expect(terms.map(({ isSaid }) => isSaid)).toEqual([true, true, true, false]);
  });

  test('are the 32 rarest that somebody said when they are many, and no others are looked up', async () => {
    const statistics = new CountedStatistics(falling(200));
    const many = [
      ...Array.from({ length: 200 }, (_, n) => `w${n + 1}`),
      ...Array.from({ length: 2300 }, (_, n) => `q${n}`),
    ];
    const terms = await weighTerms(many, statistics);
    expect(statistics.looks.size).toBe(32);
    // Words may share their counters, so that one is taken for a more common one, or for one that was said.
    const rarest = new Set(Array.from({ length: 32 }, (_, n) => `w${200 - n}`));
    expect(terms.filter(({ term }) => rarest.has(term)).length).toBeGreaterThanOrEqual(30);
  });

  test('have a marker among them when a message is marked, and none when no message is', async () => {
    const statistics = new TermStatistics(sampleOf([['a'], ['a', 'b', '= marked']]));
    const asked = async (markers: readonly string[]) =>
      (await weighTerms(['a', 'b'], statistics, { markers })).map(({ term }) => term);
    expect(await asked(['= marked'])).toEqual(['= marked', 'b', 'a']);
    expect(await asked(['= other'])).toEqual(['b', 'a']);
  });

  test('are 32 when nobody said any of them', async () => {
    const statistics = new CountedStatistics(falling(10));
    const terms = await weighTerms(
      Array.from({ length: 1000 }, (_, n) => `q${n}`),
      statistics,
    );
    expect(terms).toHaveLength(32);
    expect(statistics.looks.size).toBe(32);
  });

  test('are looked up a few at a time, so that others take their turn', async () => {
    const words = Array.from({ length: 250 }, (_, n) => `longish-word-${n}`);
    const statistics = new TermStatistics(sampleOf(Array.from({ length: 4096 }, () => words)));
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 0);
    await weighTerms(words.slice(0, 32), statistics);
    clearInterval(timer);
    expect(turns).toBeGreaterThan(1);
  });
});
