import type { Embedder } from '../embedder.ts';
import { OnnxEmbedder } from '../onnx/onnx-embedder.ts';
import type { OnnxPoolOptions } from '../onnx/onnx-pool.ts';
import { bundledModel } from './bundled-model.ts';
import { prepareBundledModel, type PrepareOptions } from './prepare-bundled-model.ts';

export interface BundledEmbedderOptions extends OnnxPoolOptions, PrepareOptions {}

/**
 * The English sentence model that comes through npm: works on a machine that reaches no model hub. The first start
 * converts it into `cacheDir` (about half a second, 7 MB).
 */
export function createBundledEmbedder(options: BundledEmbedderOptions): Embedder {
  const { modelId, dimension, maxTokens, onnxFile } = bundledModel;
  const prepare = async () => {
    const { folder } = await prepareBundledModel(options);
    // Its tokenizer knows the plain space only; a line break would become an unknown word.
    return { folder, onnxFile, maxTokens, collapseWhitespace: true };
  };
  return new OnnxEmbedder({ modelId, dimension, maxTokens, prepare }, options);
}
