import { createRandom } from '../load/random.ts';
import type { MetricValues } from './metrics.ts';

export const schemes = ['chats-and-questions', 'questions', 'chats'] as const;

/**
 * What is drawn again with replacement. `questions` asks how far the mean would move with other questions about the
 * same chats; `chats` with other chats; `chats-and-questions` draws chats and then questions of each chat drawn.
 */
export type Scheme = (typeof schemes)[number];

export interface Sample {
  /** Questions of one chat are alike: they are drawn together where chats are drawn. */
  readonly chatId: string;
  readonly values: MetricValues;
}

export interface BootstrapOptions {
  readonly scheme: Scheme;
  readonly resamples: number;
  readonly seed: number;
}

/** A mean over questions, and the 95 % interval of it. Null where no question has a value. */
export interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/**
 * Percentile bootstrap of means, all metrics of a resample from the same draw (Efron and Tibshirani, "An
 * Introduction to the Bootstrap", 1993; two stages: Davison and Hinkley, "Bootstrap Methods and their Application",
 * 1997, 3.8). Of differences per question it is the paired bootstrap. The same for the same seed.
 */
export function bootstrap(samples: readonly Sample[], options: BootstrapOptions): (Interval | null)[] {
  const random = createRandom(options.seed);
  const clusters = [...Map.groupBy(samples, (sample) => sample.chatId).values()].map((each) =>
    each.map(({ values }) => values),
  );
  const draw = drawerOf(options.scheme, random);
  const means = meansOf(clusters.flat());
  const drawn = Array.from({ length: options.resamples }, () => meansOf(draw(clusters)));
  return means.map((mean, metric) => {
    if (Number.isNaN(mean)) return null;
    const sorted = Float64Array.from(drawn, (each) => each[metric] ?? Number.NaN)
      .filter((value) => !Number.isNaN(value))
      .toSorted();
    return { mean, low: quantile(sorted, 0.025), high: quantile(sorted, 0.975) };
  });
}

type Clusters = readonly (readonly MetricValues[])[];

function drawerOf(scheme: Scheme, random: () => number): (clusters: Clusters) => readonly MetricValues[] {
  const again = <T>(items: readonly T[]): T[] =>
    items.map((item) => items[Math.floor(random() * items.length)] ?? item);
  switch (scheme) {
    case 'questions':
      return (clusters) => again(clusters.flat());
    case 'chats':
      return (clusters) => again(clusters).flat();
    case 'chats-and-questions':
      // A single chat is not drawn from anything: the interval is that of its questions.
      return (clusters) => again(clusters).flatMap((questions) => again(questions));
  }
}

/** Mean of each metric over the questions that have a value; NaN when none has. */
function meansOf(all: readonly MetricValues[]): number[] {
  return (all[0] ?? []).map((_, metric) => {
    let [total, count] = [0, 0];
    for (const values of all) {
      const value = values[metric];
      if (value === null || value === undefined) continue;
      total += value;
      count++;
    }
    return total / count;
  });
}

/** Linear between the two values around it. */
function quantile(sorted: Float64Array, share: number): number {
  const at = share * (sorted.length - 1);
  const [low = Number.NaN, high = Number.NaN] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return low + (high - low) * (at - Math.floor(at));
}
