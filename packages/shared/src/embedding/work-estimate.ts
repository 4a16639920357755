import { estimateTokens } from './token-estimate.ts';

/** A call should take at most this long, waiting for others included, however long its time limit is. */
const longestCallMs = 6000;
/** A call should take at most this part of its time limit: what was learnt may be wrong by as much. */
const margin = 4;
/** What a call may have however slow the model is, since one to a distant model costs its round trip. */
const freeTexts = 16;
const freeTokens = 768;
/** A call has at most this many texts however fast the model is. */
const maxTexts = 128;
/** The weight of a new measurement against what was known. */
const share = 0.3;

/** What a call or a part of it asks of the model; tokens are estimated. */
export interface WorkSize {
  readonly count: number;
  readonly tokens: number;
}

/** Texts that go to the model together, or fail together. */
export interface Piece extends WorkSize {
  readonly from: number;
  readonly texts: readonly string[];
}

/** How much of a call texts take, learnt from what earlier calls took. */
export class WorkEstimate {
  readonly #callMs: number;
  /** Until something was learnt: so slow that a call has only what is free. */
  #msPerToken = Number.POSITIVE_INFINITY;

  /** @param timeoutMs of a call, counted from when it is made. */
  constructor(timeoutMs: number) {
    this.#callMs = Math.min(longestCallMs, timeoutMs / margin);
  }

  /** 1 is a whole call. */
  weigh({ count, tokens }: WorkSize): number {
    const estimate = (tokens * this.#msPerToken) / this.#callMs;
    const free = Math.max(count / freeTexts, tokens / freeTokens);
    return Math.min(Math.max(estimate, count / maxTexts), free);
  }

  learn({ tokens }: WorkSize, tookMs: number): void {
    this.#learn(tookMs / Math.max(1, tokens));
  }

  /** Of a call that failed. One that took longer than it should, perhaps all the time it had, was too much. */
  learnFailure({ tokens }: WorkSize, tookMs: number): void {
    const measured = tookMs / Math.max(1, tokens);
    if (tookMs > this.#callMs && measured > this.#msPerToken) this.#learn(measured);
  }

  #learn(measured: number): void {
    const isFirst = this.#msPerToken === Number.POSITIVE_INFINITY;
    this.#msPerToken = isFirst ? measured : this.#msPerToken + share * (measured - this.#msPerToken);
  }
}

/** Whether all that a caller has is so little that it need not wait for those who have much. */
export function isLittle(pieces: readonly Piece[]): boolean {
  const [only] = pieces;
  return pieces.length === 1 && only !== undefined && only.count < freeTexts && only.tokens <= freeTokens;
}

/** The pieces that texts are batched by: what a call may always have, at least one text. */
export function piecesOf(texts: readonly string[]): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  let tokens = 0;
  const cut = (to: number): void => {
    pieces.push({ from, texts: texts.slice(from, to), count: to - from, tokens });
    from = to;
    tokens = 0;
  };
  for (const [index, text] of texts.entries()) {
    const more = estimateTokens(text);
    if (index > from && (index - from === freeTexts || tokens + more > freeTokens)) cut(index);
    tokens += more;
  }
  if (from < texts.length) cut(texts.length);
  return pieces;
}

export function sumOfSizes(sizes: readonly WorkSize[]): WorkSize {
  return {
    count: sizes.reduce((sum, { count }) => sum + count, 0),
    tokens: sizes.reduce((sum, { tokens }) => sum + tokens, 0),
  };
}

export function tokensOf(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + estimateTokens(text), 0);
}
