import type { Sample } from './sample.ts';
import { median, rounded, sum } from './statistics.ts';

/** A line of the table. */
export interface Row<Context> {
  readonly name: string;
  readonly what: string;
  readonly baseline: string;
  measure(context: Context): Promise<RowResult>;
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

type Pick = (sample: Sample) => number;
const perSecond: Pick = (sample) => sample.perSecond;
export const p95: Pick = ({ latencyMs }) => latencyMs?.p95 ?? Number.NaN;
export const p99: Pick = ({ latencyMs }) => latencyMs?.p99 ?? Number.NaN;

export function baselineMedian(pairs: readonly Pair[], pick: Pick): number {
  return median(pairs.map(({ baseline }) => pick(baseline)));
}

export function productMedian(pairs: readonly Pair[], pick: Pick): number {
  return median(pairs.map(({ product }) => pick(product)));
}

/** Median of the product over median of the baseline. */
export function ratioOf(pairs: readonly Pair[], pick: Pick = perSecond): number {
  return productMedian(pairs, pick) / baselineMedian(pairs, pick);
}

export function noErrors(pairs: readonly Pair[]): Check {
  return atMost('errors', sum(pairs.map(({ product }) => product.errors)), 0);
}
