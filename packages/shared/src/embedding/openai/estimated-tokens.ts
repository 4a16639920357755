import type { TokenMeter } from '../passage-splitter.ts';

/**
 * An estimate on the safe side where the model's tokenizer is not known: English has about four characters per
 * token, other scripts about one, code and numbers lie between.
 */
export function estimatedTokens(capacity: number): TokenMeter {
  return {
    capacity,
    count(text) {
      const others = text.match(/[^\u0020-\u007e]/gu)?.length ?? 0;
      return Math.ceil((text.length - others) / 3) + others;
    },
  };
}
