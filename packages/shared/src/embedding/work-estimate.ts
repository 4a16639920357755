import { estimateTokens } from './token-estimate.ts';

/** A call should take at most this long, waiting for others included, however long its time limit is. */
const longestCallMs = 6000;
/** A call should take at most this part of its time limit: what was learnt may be wrong by as much. */
const margin = 4;
/** What a call may have however slow the model is, since one to a distant model costs its round trip. */
const freeTexts = 16;
const freeTokens = 512;
/** A call has at most so many texts however fast the model is. */
const maxTexts = 128;
/** What is new counts so much against what was known. */
const share = 0.3;

/** Texts that go to the model together, or fail together. */
export interface Piece {
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
  weigh(texts: readonly string[]): number {
    const tokens = tokensOf(texts);
    const estimate = (tokens * this.#msPerToken) / this.#callMs;
    const free = Math.max(texts.length / freeTexts, tokens / freeTokens);
    return Math.min(Math.max(estimate, texts.length / maxTexts), free);
  }

  learn(texts: readonly string[], tookMs: number): void {
    this.#learn(tookMs / Math.max(1, tokensOf(texts)));
  }

  /** Of a call that failed. One that took longer than it should, perhaps all the time it had, was too much. */
  learnFailure(texts: readonly string[], tookMs: number): void {
    const measured = tookMs / Math.max(1, tokensOf(texts));
    if (tookMs > this.#callMs && measured > this.#msPerToken) this.#learn(measured);
  }

  #learn(measured: number): void {
    const isFirst = this.#msPerToken === Number.POSITIVE_INFINITY;
    this.#msPerToken = isFirst ? measured : this.#msPerToken + share * (measured - this.#msPerToken);
  }
}

/** Whether texts are few and short: whoever has no more need not wait for those who have. */
export function isLittle(texts: readonly string[]): boolean {
  return texts.length < freeTexts && tokensOf(texts) <= freeTokens;
}

/** The pieces that texts are gathered by: what a call may always have, at least one text. */
export function piecesOf(texts: readonly string[]): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  let tokens = 0;
  for (const [index, text] of texts.entries()) {
    const more = estimateTokens(text);
    if (index > from && (index - from === freeTexts || tokens + more > freeTokens)) {
      pieces.push({ from, texts: texts.slice(from, index) });
      from = index;
      tokens = 0;
    }
    tokens += more;
  }
  if (from < texts.length) pieces.push({ from, texts: texts.slice(from) });
  return pieces;
}

export function tokensOf(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + estimateTokens(text), 0);
}
