import { describe, expect, test } from 'vitest';
import { Latencies } from '../harness/latencies.ts';
import { Outcomes } from './outcomes.ts';
import { drawPicture } from '../harness/picture.ts';

describe('latencies', () => {
  test('finds percentiles to three figures', () => {
    const latencies = new Latencies();
    for (let ms = 1; ms <= 1000; ms++) latencies.record(ms);
    const { p50, p95, p99, max } = latencies.summary();
    for (const [found, expected] of [
      [p50, 500],
      [p95, 950],
      [p99, 990],
      [max, 1000],
    ] as const) {
      expect(Math.abs(found - expected) / expected).toBeLessThan(0.002);
    }
    const shares = latencies.distribution().map(([, share]) => share);
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1);
    expect(latencies.curve().at(-1)).toEqual([1000, expect.closeTo(1000, -1)]);
  });

  test('has nothing to say when nothing was recorded', () => {
    expect(new Latencies().summary().p99).toBe(0);
    expect(new Latencies().distribution()).toEqual([]);
  });
});

describe('outcomes', () => {
  test('keeps kinds apart and counts what is not 2xx', () => {
    const outcomes = new Outcomes({ warmupSeconds: 0, windowSeconds: 60 });
    outcomes.answered('single', 202, 5);
    outcomes.answered('single', 429, 1);
    outcomes.answered('search', 200, 50);
    outcomes.unanswered('timeout');
    const { kinds, all, errors, unanswered } = outcomes.result();
    expect(kinds.single?.statuses).toEqual({ 202: 1, 429: 1 });
    expect(kinds.search?.answered).toBe(1);
    expect(all.answered).toBe(3);
    expect({ errors, unanswered }).toEqual({ errors: 2, unanswered: { timeout: 1 } });
  });

  test('leaves the warm-up out, but not of the sum', () => {
    const outcomes = new Outcomes({ warmupSeconds: 60, windowSeconds: 1 });
    outcomes.answered('single', 500, 5);
    expect(outcomes.result()).toMatchObject({ errors: 0, answeredInAll: 1, all: { answered: 0 } });
  });
});

describe('picture', () => {
  test('is one SVG document, whatever the names', () => {
    const points = [
      [1, 5],
      [10, 0],
      [100, 7],
    ] as const;
    const panel = { title: 'a < b', xLabel: 'x', yLabel: 'y', xScale: 'log', yScale: 'log' } as const;
    const svg = drawPicture('R & D', [
      { ...panel, series: [{ name: 'one', points }] },
      { ...panel, series: [] },
    ]);
    expect(svg).toMatch(/^<svg [\s\S]+<\/svg>\n$/);
    expect(svg).toContain('R &amp; D');
    expect(svg).toContain('a &lt; b: nothing to show');
    expect(svg).not.toContain('NaN');
  });
});
