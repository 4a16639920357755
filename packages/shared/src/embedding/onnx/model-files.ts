import { z } from 'zod';

/** Where a model lies on disk and how it is fed; plain data, since it travels to worker threads. */
export const onnxModelFilesSchema = z.object({
  /** Holds `tokenizer.json` and `tokenizer_config.json`. */
  folder: z.string(),
  /** The `.onnx` file, relative to `folder`. */
  onnxFile: z.string(),
  /** Tokens that the model sees of a text, special tokens included. */
  maxTokens: z.int().positive(),
  /**
   * Whether runs of white space become one space before the tokenizer: for tokenizers that would otherwise read a
   * line break as an unknown word.
   */
  collapseWhitespace: z.boolean(),
  /** How token vectors become one; of no effect on a file that has an output for the whole text. Default: `mean`. */
  pooling: z.enum(['mean', 'cls']).optional(),
});

export type OnnxModelFiles = Readonly<z.infer<typeof onnxModelFilesSchema>>;
