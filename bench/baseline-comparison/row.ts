import type { ComparisonOptions } from './options.ts';
import type { Sample } from './sample.ts';
import type { Stack } from './stack.ts';
import { median, rounded } from './statistics.ts';

/** A line of the table. */
export interface Row {
  readonly name: string;
  readonly what: string;
  readonly baseline: string;
  measure(bench: Bench): Promise<RowResult>;
}

export interface Bench {
  readonly stack: Stack;
  readonly options: ComparisonOptions;
  /** A folder for what a row writes. */
  folderOf(name: string): string;
}

export interface RowResult {
  readonly checks: readonly Check[];
  readonly pairs?: readonly Pair[];
  /** Whatever else was seen, for the JSON. */
  readonly seen?: unknown;
  readonly notes?: readonly string[];
}

/** A baseline and the product after it. */
export interface Pair {
  readonly baseline: Sample;
  readonly product: Sample;
}

export interface Check {
  readonly what: string;
  readonly value: number;
  readonly target: string;
  readonly passed: boolean;
}

export function atLeast(what: string, value: number, least: number): Check {
  return { what, value: rounded(value), target: `>= ${least}`, passed: value >= least };
}

export function atMost(what: string, value: number, most: number): Check {
  return { what, value: rounded(value), target: `<= ${most}`, passed: value <= most };
}

/**
 * Baseline and product in turns, so that what disturbs the machine disturbs both. The first round is not counted:
 * code is compiled in it, connections are made and heaps find their size.
 */
export async function alternate(
  runs: number,
  baseline: (run: number) => Promise<Sample>,
  product: (run: number) => Promise<Sample>,
): Promise<Pair[]> {
  const pairs: Pair[] = [];
  for (let run = 0; run <= runs; run++) {
    const measured = await baseline(run);
    pairs.push({ baseline: measured, product: await product(run) });
  }
  return pairs.slice(1);
}

/** Median of the product over median of the baseline. */
export function ratioOf(pairs: readonly Pair[]): number {
  const rateOf = (pick: (pair: Pair) => Sample): number => median(pairs.map((pair) => pick(pair).perSecond));
  return rateOf(({ product }) => product) / rateOf(({ baseline }) => baseline);
}

export function productMedian(pairs: readonly Pair[], pick: (sample: Sample) => number): number {
  return median(pairs.map(({ product }) => pick(product)));
}

export function productErrors(pairs: readonly Pair[]): number {
  return pairs.reduce((sum, { product }) => sum + product.errors, 0);
}
