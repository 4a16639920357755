import path from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { normalise } from '../vector.ts';
import type { OnnxModelFiles } from './model-files.ts';
import type { Pooling } from '../vector-space.ts';
import { clsPool, meanPool } from './pooling.ts';

/** An output that is the sentence's vector already, and those that must be pooled. */
const sentenceOutput = 'sentence_embedding';
const tokenOutputs = ['last_hidden_state', 'token_embeddings'];
const textInputs: ReadonlySet<string> = new Set(['input_ids', 'attention_mask', 'token_type_ids']);

/** Computes in the calling thread alone: parallel work comes from several sessions, each in its own thread. */
const sessionOptions: InferenceSession.SessionOptions = {
  executionProviders: ['cpu'],
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  graphOptimizationLevel: 'all',
  logSeverityLevel: 3,
};

/** Token ids of several texts as a rectangle, padded on the right. */
function padRows(rows: readonly Int32Array[], tokens: number, valueOf: (id: number) => bigint): Tensor {
  const data = new BigInt64Array(rows.length * tokens);
  rows.forEach((row, index) => data.set(BigInt64Array.from(row, valueOf), index * tokens));
  return new Tensor('int64', data, [rows.length, tokens]);
}

/** An ONNX sentence model. `embed` blocks its thread: never make one on a thread that serves anybody. */
export class SentenceSession {
  readonly #session: InferenceSession;
  readonly #output: string;
  readonly #pooling: Pooling;

  private constructor(session: InferenceSession, output: string, pooling: Pooling) {
    this.#session = session;
    this.#output = output;
    this.#pooling = pooling;
  }

  /** @throws Error when the file cannot be loaded, wants an input that is not known, or has no output that is. */
  static async load({ folder, onnxFile, pooling = 'mean' }: OnnxModelFiles): Promise<SentenceSession> {
    const session = await InferenceSession.create(path.join(folder, onnxFile), sessionOptions);
    const output = [sentenceOutput, ...tokenOutputs].find((name) => session.outputNames.includes(name));
    if (!output) throw new Error(`${onnxFile} has no output that is a sentence or token embedding`);
    const unknown = session.inputNames.find((name) => !textInputs.has(name));
    if (unknown !== undefined) {
      await session.release();
      throw new Error(`${onnxFile} wants the input ${unknown}, which only a model server gives`);
    }
    return new SentenceSession(session, output, pooling);
  }

  /**
   * @param rows token ids of each text, special tokens included, none empty.
   * @returns one vector of length one per row; what the model makes of it is not checked here.
   */
  async embed(rows: readonly Int32Array[]): Promise<Float32Array[]> {
    const lengths = rows.map((row) => row.length);
    const longest = Math.max(...lengths);
    const inputs: Record<string, Tensor> = {
      input_ids: padRows(rows, longest, BigInt),
      attention_mask: padRows(rows, longest, () => 1n),
      token_type_ids: padRows(rows, longest, () => 0n),
    };
    const known = Object.entries(inputs).filter(([name]) => this.#session.inputNames.includes(name));
    const results = await this.#session.run(Object.fromEntries(known), [this.#output]);
    const output = results[this.#output];
    if (!(output?.data instanceof Float32Array)) throw new TypeError(`the model's ${this.#output} is not float32`);
    return this.#sentences(output.data, output.dims, lengths).map(normalise);
  }

  #sentences(data: Float32Array, dims: readonly number[], lengths: readonly number[]): Float32Array[] {
    const width = dims.at(-1) ?? 0;
    if (this.#output !== sentenceOutput) {
      const vectors = { data, tokens: dims[1] ?? 0, width };
      return this.#pooling === 'cls' ? clsPool(vectors, lengths.length) : meanPool(vectors, lengths);
    }
    return lengths.map((_, row) => data.subarray(row * width, (row + 1) * width));
  }

  async release(): Promise<void> {
    await this.#session.release();
  }
}
