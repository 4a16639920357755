import path from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { planBatches } from '@memory-layer/shared/embedding/onnx/batch-plan';
import type { OnnxModelFiles } from '@memory-layer/shared/embedding/onnx/model-files';
import type { PairRow } from './pair-tokenizer.ts';

const output = 'logits';
/** Largest rows x longest of a batch, in tokens. */
const tokenBudget = 512;

/** An ONNX model for sequence classification. `score` blocks its thread: never make one on a thread that serves. */
export class PairSession {
  readonly #session: InferenceSession;

  private constructor(session: InferenceSession) {
    this.#session = session;
  }

  /** @throws Error when the file cannot be loaded or is not such a model. */
  static async load({ folder, onnxFile }: OnnxModelFiles): Promise<PairSession> {
    const session = await InferenceSession.create(path.join(folder, onnxFile), {
      executionProviders: ['cpu'],
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
      logSeverityLevel: 3,
    });
    if (!session.outputNames.includes(output)) throw new Error(`${onnxFile} has no output ${output}: not a reranker`);
    return new PairSession(session);
  }

  /** @returns of each pair the probability, 0 to 1, that the text answers the query. */
  async score(rows: readonly PairRow[]): Promise<number[]> {
    const scores: number[] = [];
    const lengths = rows.map(({ ids }) => ids.length);
    for (const batch of planBatches(lengths, tokenBudget)) {
      const found = await this.#run(batch.flatMap((index) => rows[index] ?? []));
      for (const [position, index] of batch.entries()) scores[index] = found[position] ?? Number.NaN;
    }
    return scores;
  }

  async release(): Promise<void> {
    await this.#session.release();
  }

  async #run(rows: readonly PairRow[]): Promise<number[]> {
    const longest = Math.max(...rows.map(({ ids }) => ids.length));
    const inputs: Record<string, Tensor> = {
      input_ids: padded(rows, longest, ({ ids }) => ids),
      attention_mask: padded(rows, longest, ({ ids }) => ids.map(() => 1)),
      token_type_ids: padded(rows, longest, ({ types }) => types),
    };
    const known = Object.entries(inputs).filter(([name]) => this.#session.inputNames.includes(name));
    const logits = (await this.#session.run(Object.fromEntries(known), [output]))[output];
    if (!(logits?.data instanceof Float32Array)) throw new TypeError(`the model's ${output} are not float32`);
    const { data } = logits;
    const classes = data.length / rows.length;
    // One logit a pair, or two: of its not being relevant and of its being so.
    return rows.map((_, row) => {
      const yes = data[(row + 1) * classes - 1] ?? Number.NaN;
      const no = classes === 1 ? 0 : (data[row * classes] ?? Number.NaN);
      return 1 / (1 + Math.exp(no - yes));
    });
  }
}

function padded(rows: readonly PairRow[], tokens: number, valuesOf: (row: PairRow) => readonly number[]): Tensor {
  const data = new BigInt64Array(rows.length * tokens);
  rows.forEach((row, index) => data.set(BigInt64Array.from(valuesOf(row), BigInt), index * tokens));
  return new Tensor('int64', data, [rows.length, tokens]);
}
