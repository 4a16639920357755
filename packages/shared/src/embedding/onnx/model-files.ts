/** Where a model lies on disk and how it is fed; a plain object, since it travels to worker threads. */
export interface OnnxModelFiles {
  /** Holds `tokenizer.json` and `tokenizer_config.json`. */
  readonly folder: string;
  /** The `.onnx` file, relative to `folder`. */
  readonly onnxFile: string;
  /** Tokens that the model sees of a text, special tokens included. */
  readonly maxTokens: number;
  /**
   * Whether runs of white space become one space before the tokenizer: for tokenizers that would otherwise read a
   * line break as an unknown word.
   */
  readonly collapseWhitespace: boolean;
}
