/** What a text is to the model: some models embed a question and a stored text differently. */
export type EmbedKind = 'query' | 'passage';

export interface EmbedOptions {
  readonly kind: EmbedKind;
  /** Cancels the work, not only the waiting. */
  readonly signal?: AbortSignal;
  /**
   * Called with vectors that are finished before the others of the call are, and the place of the first one, so that
   * they can be kept when the call fails later. An embedder that finishes all at once need not call it.
   */
  readonly onPart?: (from: number, vectors: readonly Float32Array[]) => void;
}

export interface SplitOptions {
  /** Whether a query waits for it. Default: `passage`. */
  readonly kind?: EmbedKind;
  /** Ends the work between two parts of a long text. */
  readonly signal?: AbortSignal;
}

/**
 * The port to a sentence embedding model. Every adapter passes the same contract suite.
 *
 * `modelId` and `dimension` are known from configuration, before anything is loaded.
 */
export interface Embedder {
  /** Stable name of the model whose vectors these are; part of an embedding generation's identity. */
  readonly modelId: string;
  /** Length of every vector. */
  readonly dimension: number;
  /** Tokens that the model sees of one text; what lies beyond must be given as another passage. */
  readonly maxTokens: number;
  /** Loads what has to be loaded. Safe to call again after a failure. */
  start(): Promise<void>;
  /** Lets running batches finish, then frees threads and memory. */
  stop(): Promise<void>;
  /**
   * Embeds `texts` (non-blank strings) in order.
   *
   * @returns one L2-normalised vector of length `dimension` per text.
   * @throws AppError `embedding_unavailable` when the model cannot be reached or is not started (retryable),
   *   `embedding_rejected` when a text is blank, or the model refused a text or answered with something that is not
   *   a vector of it: one such text fails its whole call. The signal's reason, at once, when it is aborted.
   */
  embed(texts: readonly string[], options: EmbedOptions): Promise<Float32Array[]>;
  /**
   * Cuts a text into passages that the model sees whole: one passage when the text fits, else several
   * that cover all of it, cut between sentences or words where possible. Never empty for a non-blank text. A long text
   * is cut part by part, so that nothing is held for long: neither the event loop nor a thread that others need.
   */
  split(text: string, options?: SplitOptions): Promise<string[]>;
}
