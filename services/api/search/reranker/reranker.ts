export interface RerankOptions {
  /** Cancels the work, not only the waiting. */
  readonly signal?: AbortSignal;
}

/**
 * The port to a model that reads a query and a text together and says how well the one answers the other: slower than
 * comparing vectors and better, so it is given the best hits alone. Every adapter passes the same contract suite.
 */
export interface Reranker {
  /** Loads what has to be loaded. @throws AppError `unavailable` that says what to do. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /**
   * @returns a score of each text in their order, finite, the higher the better; what they are worth is known only
   *   among those of one call. Of a text that is longer than the model's window, the beginning counts.
   * @throws AppError `unavailable` when there is no such answer; the signal's reason when it is aborted.
   */
  rerank(query: string, texts: readonly string[], options?: RerankOptions): Promise<number[]>;
}

/** Whether these are scores of so many texts. */
export function areScores(scores: readonly number[], count: number): boolean {
  return scores.length === count && scores.every(Number.isFinite);
}
