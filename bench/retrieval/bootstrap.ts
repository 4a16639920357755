import { createRandom } from '../harness/random.ts';
import { quantile } from '../harness/statistics.ts';
import type { MetricValues } from './metrics.ts';

export interface Sample {
  /** Questions of one chat are alike: they are drawn together. */
  readonly chatId: string;
  readonly values: MetricValues;
}

/** A mean over questions, and the 95 % interval of it. */
export interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

export const resamples = 2000;

/**
 * Percentile bootstrap of means, all metrics of a resample from the same draw: chats are drawn with replacement, and then
 * questions of each chat drawn (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993; two stages: Davison and
 * Hinkley, "Bootstrap Methods and their Application", 1997, 3.8). With one chat it is the interval of its questions; of
 * differences per question, the paired bootstrap. The same for the same seed. Null where no question has a value.
 */
export function bootstrap(samples: readonly Sample[], seed = 1): (Interval | null)[] {
  const random = createRandom(seed);
  const again = <T>(items: readonly T[]): T[] =>
    items.map((item) => items[Math.floor(random() * items.length)] ?? item);
  const chats = [...Map.groupBy(samples, ({ chatId }) => chatId).values()].map((questions) =>
    questions.map(({ values }) => values),
  );
  const drawn = Array.from({ length: resamples }, () => meansOf(again(chats).flatMap((questions) => again(questions))));
  return meansOf(chats.flat()).map((mean, metric) => {
    if (Number.isNaN(mean)) return null;
    const found = drawn.map((each) => each[metric] ?? Number.NaN).filter((value) => !Number.isNaN(value));
    return { mean, low: quantile(found, 0.025), high: quantile(found, 0.975) };
  });
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
