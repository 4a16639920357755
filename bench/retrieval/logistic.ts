export interface Sample {
  readonly features: readonly number[];
  readonly isPositive: boolean;
  readonly weight: number;
}

const steps = 4000;
const rate = 2;
// Keeps coefficients finite where a feature tells the two apart completely.
const penalty = 0.0001;

/**
 * Logistic regression by gradient descent with momentum. The features are 0 to 1, so no scaling is needed.
 *
 * @returns the constant, then a coefficient for each feature
 */
export function fitLogistic(samples: readonly Sample[]): number[] {
  const size = (samples[0]?.features.length ?? 0) + 1;
  const total = samples.reduce((sum, { weight }) => sum + weight, 0);
  const coefficients = Array.from({ length: size }, () => 0);
  const velocity = Array.from({ length: size }, () => 0);
  for (let step = 0; step < steps; step += 1) {
    const gradient = coefficients.map((value, n) => (n === 0 ? 0 : penalty * value));
    for (const { features, isPositive, weight } of samples) {
      const error = ((probability(coefficients, features) - Number(isPositive)) * weight) / total;
      gradient[0] = (gradient[0] ?? 0) + error;
      features.forEach((feature, n) => {
        gradient[n + 1] = (gradient[n + 1] ?? 0) + error * feature;
      });
    }
    gradient.forEach((slope, n) => {
      velocity[n] = 0.9 * (velocity[n] ?? 0) - rate * slope;
      coefficients[n] = (coefficients[n] ?? 0) + (velocity[n] ?? 0);
    });
  }
  return coefficients;
}

/** @param coefficients the constant, then one for each feature */
export function probability(coefficients: readonly number[], features: readonly number[]): number {
  const logit = features.reduce((sum, feature, n) => sum + feature * (coefficients[n + 1] ?? 0), coefficients[0] ?? 0);
  return 1 / (1 + Math.exp(-logit));
}
