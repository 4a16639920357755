import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';

/** Part of a TensorFlow.js graph model's `model.json`. Source: tfjs-core `io/types.ts`, `WeightsManifestConfig`. */
const manifestSchema = z.object({
  weightsManifest: z.array(
    z.object({
      paths: z.array(z.string()),
      weights: z.array(
        z.object({
          name: z.string(),
          dtype: z.enum(['float32', 'int32']),
          shape: z.array(z.int().nonnegative()),
          quantization: z.undefined().optional(),
        }),
      ),
    }),
  ),
});

/** The float weights of a TensorFlow.js model by name, checked against the shape that the reader expects. */
export class TfjsWeights {
  readonly #weights: ReadonlyMap<string, { shape: readonly number[]; data: Float32Array }>;

  constructor(weights: ReadonlyMap<string, { shape: readonly number[]; data: Float32Array }>) {
    this.#weights = weights;
  }

  /**
   * @param shape expected shape; dimensions of one are left out on both sides.
   * @throws Error when there is no such weight or it has another shape.
   */
  get(name: string, ...shape: readonly number[]): Float32Array {
    const weight = this.#weights.get(name);
    if (!weight) throw new Error(`the model has no weight ${name}`);
    const actual = weight.shape.filter((size) => size !== 1).join();
    const expected = shape.join();
    if (actual !== expected) throw new Error(`${name} has the shape [${actual}], not [${expected}]`);
    return weight.data;
  }

  scalar(name: string): number {
    return this.get(name)[0] ?? Number.NaN;
  }
}

/** Reads `model.json` and its weight shards (one byte stream, cut anywhere) from a folder. */
export async function readTfjsWeights(folder: string): Promise<TfjsWeights> {
  const json: unknown = JSON.parse(await readFile(path.join(folder, 'model.json'), 'utf8'));
  const weights = new Map<string, { shape: readonly number[]; data: Float32Array }>();
  for (const group of manifestSchema.parse(json).weightsManifest) {
    const shards = await Promise.all(group.paths.map((shard) => readFile(path.join(folder, shard))));
    const stream = new Uint8Array(Buffer.concat(shards));
    const byteLengths = group.weights.map(({ shape }) => shape.reduce((product, size) => product * size, 4));
    const expected = byteLengths.reduce((sum, length) => sum + length, 0);
    if (stream.length !== expected) throw new Error(`the weight shards hold ${stream.length} bytes, not ${expected}`);
    let offset = 0;
    for (const [index, { name, dtype, shape }] of group.weights.entries()) {
      const bytes = byteLengths[index] ?? 0;
      if (dtype === 'float32') {
        weights.set(name, { shape, data: new Float32Array(stream.slice(offset, offset + bytes).buffer) });
      }
      offset += bytes;
    }
  }
  return new TfjsWeights(weights);
}
