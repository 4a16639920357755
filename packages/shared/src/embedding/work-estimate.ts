/** How long a batch should take at most: far less than its time limit, since several are under way. */
const batchMs = 6000;
/** Texts that a batch may have however slow the model is: a call to a distant one costs its round trip. */
export const freeTexts = 16;
/** A batch is at most so large however fast the model is. */
const maxTexts = 128;
/** What is new counts so much against what was known. */
const share = 0.3;

/** How much of a batch texts take, learnt from what earlier ones took. Characters, since they are known at once. */
export class WorkEstimate {
  /** Until something was learnt: so slow that a batch is `freeTexts`. */
  #msPerCharacter = Number.POSITIVE_INFINITY;

  /** 1 is a whole batch. */
  weigh(texts: readonly string[]): number {
    const estimate = (charactersOf(texts) * this.#msPerCharacter) / batchMs;
    return Math.min(Math.max(estimate, texts.length / maxTexts), texts.length / freeTexts);
  }

  learn(texts: readonly string[], tookMs: number): void {
    const measured = tookMs / Math.max(1, charactersOf(texts));
    const isFirst = this.#msPerCharacter === Number.POSITIVE_INFINITY;
    this.#msPerCharacter = isFirst ? measured : this.#msPerCharacter + share * (measured - this.#msPerCharacter);
  }
}

function charactersOf(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + text.length, 0);
}
