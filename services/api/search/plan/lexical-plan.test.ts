import { describe, expect, test } from 'vitest';
import { TermStatistics } from '../stats/term-statistics.ts';
import { sampleOf } from '../stats/testing/sample-of.ts';
import { candidateSteps, planWords, scoredAtMost } from './lexical-plan.ts';

/** A message of every number up to `count`, with a word for each divisor that is asked for. */
function divisible(count: number, divisors: readonly number[], messages = count): TermStatistics {
  const words = Array.from({ length: count }, (_, n) => divisors.filter((by) => n % by === 0).map((by) => `by${by}`));
  return new TermStatistics(sampleOf(words, messages));
}

const weigh = (statistics: TermStatistics, terms: readonly string[]) =>
  terms.map((term) => ({ term, weight: statistics.idf(term) }));

/** What a tsquery of quoted words, & and | and brackets says of a message. */
function matches(query: string, words: ReadonlySet<string>): boolean {
  const tokens = query.match(/'[^']*'|[&|()]/g) ?? [];
  let at = 0;
  const factor = (): boolean => {
    const token = tokens[at++];
    if (token !== '(') return words.has((token ?? '').slice(1, -1));
    const value = either();
    at++;
    return value;
  };
  const both = (): boolean => {
    let value = factor();
    while (tokens[at] === '&') {
      at++;
      value = factor() && value;
    }
    return value;
  };
  const either = (): boolean => {
    let value = both();
    while (tokens[at] === '|') {
      at++;
      value = both() || value;
    }
    return value;
  };
  return either();
}

const divisors = [2, 3, 5, 7, 11, 13];
const terms = divisors.map((by) => `by${by}`);

describe('the steps towards candidates', () => {
  test('are one when few messages have any of the words', () => {
    const statistics = divisible(1000, [2, 101]);
    expect(candidateSteps(weigh(statistics, ['by101', 'by7']), statistics, 100)).toEqual([
      { query: "'by7' | 'by101'", narrowed: undefined },
    ]);
  });

  test('find about as many as are wanted first, and in the end all', () => {
    const statistics = divisible(4000, divisors);
    const steps = candidateSteps(weigh(statistics, terms), statistics, 100);
    const found = steps.map(
      ({ query }) =>
        Array.from(
          { length: 4000 },
          (_, n) => new Set(divisors.filter((by) => n % by === 0).map((by) => `by${by}`)),
        ).filter((words) => matches(query, words)).length,
    );
    expect(found[0]).toBeGreaterThanOrEqual(100);
    expect(found[0]).toBeLessThanOrEqual(200);
    expect(found).toEqual(found.toSorted((a, b) => a - b));
    expect(found.at(-1)).toBe(
      Array.from({ length: 4000 }, (_, n) => n).filter((n) => divisors.some((by) => n % by === 0)).length,
    );
  });

  test('take exactly the messages whose words weigh most', () => {
    const statistics = divisible(4000, divisors);
    const weights = new Map(weigh(statistics, terms).map(({ term, weight }) => [term, weight]));
    const [first] = candidateSteps(weigh(statistics, terms), statistics, 100);
    const weighed = Array.from({ length: 4000 }, (_, n) => {
      const words = divisors.filter((by) => n % by === 0).map((by) => `by${by}`);
      return { words: new Set(words), weight: words.reduce((sum, word) => sum + (weights.get(word) ?? 0), 0) };
    });
    const isIn = weighed.map(({ words }) => matches(first?.query ?? '', words));
    const least = Math.min(...weighed.filter((_, n) => isIn[n]).map(({ weight }) => weight));
    const left = Math.max(...weighed.filter((_, n) => !isIn[n]).map(({ weight }) => weight));
    expect(least).toBeGreaterThan(left);
  });

  test('take short messages when there are far too many with the same words', () => {
    const words = Array.from({ length: 4000 }, (_, n) => [
      'same',
      ...Array.from({ length: n % 20 }, (__, m) => `w${m}`),
    ]);
    const statistics = new TermStatistics(sampleOf(words, 4000));
    expect(candidateSteps(weigh(statistics, ['same']), statistics, 400)).toEqual([
      { query: "'same'", narrowed: { maxLength: 2, above: undefined } },
      { query: "'same'", narrowed: undefined },
    ]);
  });

  test('count a sampled message for all that it stands for', () => {
    const steps = candidateSteps(weigh(divisible(1000, [2], 100_000), ['by2']), divisible(1000, [2], 100_000), 800);
    expect(steps.map(({ query }) => query)).toEqual(["'by2'", "'by2'", "'by2'"]);
    expect(steps.map(({ narrowed }) => narrowed !== undefined)).toEqual([true, true, false]);
  });

  test('stay short, however many words there are', () => {
    const many = Array.from({ length: 32 }, (_, n) => n + 2);
    const statistics = divisible(4000, many);
    const steps = candidateSteps(
      weigh(
        statistics,
        many.map((by) => `by${by}`),
      ),
      statistics,
      50,
    );
    expect(steps.length).toBeGreaterThan(1);
    for (const { query } of steps) expect(query.length).toBeLessThan(3000);
  });

  test('quote what has a meaning in a tsquery', () => {
    const statistics = new TermStatistics(sampleOf([]));
    expect(candidateSteps([{ term: String.raw`it's \ a`, weight: 1 }], statistics, 10)[0]?.query).toBe(
      String.raw`'it''s \\ a'`,
    );
  });
});

test.each([
  ['are alike', [3, 3, 3], 0.4],
  ['differ by half their mean', [1, 3], 0.4],
  ['differ by more', [1, 1, 1, 5], 0.583],
  ['differ by their mean', [1, 1, 1, 1, 6], 0.65],
  ['differ by far more', [...Array.from({ length: 99 }, () => 1), 500], 0.65],
])('length counts more the less messages are alike: they %s', (_, lengths, expected) => {
  const words = lengths.map((length) => Array.from({ length }, (__, n) => `w${n}`));
  const statistics = new TermStatistics(sampleOf(words));
  const query = { tenantId: 'one', terms: [], phrases: [], clauses: { must: [], mustNot: [], words: 0 }, statistics };
  expect(planWords(query, 10).lengthNormalisation).toBeCloseTo(expected, 3);
});

describe('what long messages cost', () => {
  const plan = (statistics: TermStatistics) =>
    planWords(
      {
        tenantId: 'one',
        terms: weigh(statistics, ['said']).map((term) => ({ ...term, isSaid: true })),
        phrases: [],
        clauses: { must: [], mustNot: [], words: 0 },
        statistics,
      },
      1000,
    );
  const message = (length: number, word = 'said') => [word, ...Array.from({ length: length - 1 }, (_, n) => `w${n}`)];

  test('is bounded where those that have a word of the query are many', () => {
    const long = Array.from({ length: 10 }, () => message(8000));
    expect(plan(new TermStatistics(sampleOf(long, 100))).maxBytes).toBeUndefined();
    expect(plan(new TermStatistics(sampleOf(long, 200))).maxBytes).toBe(12 * 2 ** 20);
  });

  test('is what those cost that have a word of the query, however many short ones there are', () => {
    const short = Array.from({ length: 90 }, () => message(10));
    const mixed = (word: string) =>
      sampleOf([...short, ...Array.from({ length: 10 }, () => message(8000, word))], 2000);
    expect(plan(new TermStatistics(mixed('said'))).maxBytes).toBe(12 * 2 ** 20);
    expect(plan(new TermStatistics(mixed('other'))).maxBytes).toBeUndefined();
  });

  test('is not bounded for a million messages of usual length', () => {
    const usual = Array.from({ length: 100 }, () => message(500));
    expect(plan(new TermStatistics(sampleOf(usual, 1_000_000))).maxBytes).toBeUndefined();
  });

  test.each([
    [20, 1000, 1000],
    [1000, 1000, 1000],
    [8000, 60, 60],
    [8000, 1000, 132],
  ])('at a mean of %d different words, of %d candidates %d are taken', (averageLength, wanted, taken) => {
    expect(scoredAtMost(wanted, { averageLength })).toBe(taken);
  });
});
