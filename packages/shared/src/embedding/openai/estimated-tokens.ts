import type { TokenMeter } from '../passage-splitter.ts';
import { estimateTokens } from '../token-estimate.ts';

/** An estimate on the safe side where the model's tokenizer is not known. */
export function estimatedTokens(capacity: number): TokenMeter {
  return { capacity, count: estimateTokens };
}
