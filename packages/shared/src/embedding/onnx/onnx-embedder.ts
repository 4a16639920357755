import { AppError } from '../../errors/app-error.ts';
import type { Embedder, EmbedOptions, SplitOptions } from '../embedder.ts';
import { assertTexts, assertVectors } from '../embedder-checks.ts';
import type { OnnxModelFiles } from './model-files.ts';
import { OnnxPool, type OnnxPoolOptions } from './onnx-pool.ts';
import { surelyFits } from '../passage-splitter.ts';
import { partLimit, splitInParts } from '../split-part.ts';
import {
  modelNameOf,
  noPrefixes,
  type Prefixes,
  truncate,
  type Truncation,
  truncationWarning,
} from '../vector-space.ts';

export interface OnnxModel {
  /** Names the vectors: see `vectorSpaceId`. */
  readonly modelId: string;
  readonly dimension: number;
  /** Special tokens included. */
  readonly maxTokens: number;
  /** Default: none. */
  readonly prefixes?: Prefixes;
  /** How longer vectors are cut to `dimension`. Without it they are refused. */
  readonly truncation?: Truncation;
  /** Told at the start when the cut is one that the model was not trained for. */
  readonly onWarning?: ((message: string) => void) | undefined;
  /** Makes the model's files available; called by every `start` until one succeeds. */
  prepare(): Promise<OnnxModelFiles>;
}

/** Special tokens that a tokenizer may add; only the short cut for short texts reckons with it. */
const specialTokens = 4;

/** The part that local models share: life cycle, checks, worker threads. */
export class OnnxEmbedder implements Embedder {
  readonly modelId: string;
  readonly dimension: number;
  readonly maxTokens: number;
  readonly #model: OnnxModel;
  readonly #options: OnnxPoolOptions;
  #starting: Promise<OnnxPool> | undefined;
  #pool: OnnxPool | undefined;

  constructor(model: OnnxModel, options: OnnxPoolOptions = {}) {
    this.modelId = model.modelId;
    this.dimension = model.dimension;
    this.maxTokens = model.maxTokens;
    this.#model = model;
    this.#options = options;
  }

  async start(): Promise<void> {
    this.#starting ??= this.#load();
    await this.#starting;
  }

  async #load(): Promise<OnnxPool> {
    try {
      const pool = new OnnxPool(await this.#model.prepare(), { ...this.#options, prefixes: this.#model.prefixes });
      await pool.start();
      try {
        await this.#checkDimension(pool);
      } catch (error) {
        await pool.stop();
        throw error;
      }
      this.#pool = pool;
      return pool;
    } catch (error) {
      this.#starting = undefined;
      throw error;
    }
  }

  /** A model's dimension is known once it has embedded something. */
  async #checkDimension(pool: OnnxPool): Promise<void> {
    const { truncation, dimension, modelId, onWarning } = this.#model;
    if (truncation === undefined) return;
    const [vector] = await pool.embed(['dimension'], { kind: 'query' });
    const own = vector?.length ?? 0;
    if (own < dimension) {
      const message = `The embedding model ${modelId} has ${own} dimensions, fewer than the ${dimension} that are asked for.`;
      throw new AppError('embedding_unavailable', message);
    }
    const warning = truncationWarning(modelNameOf(modelId), { own, dimension, truncation });
    if (warning !== undefined) onWarning?.(warning);
  }

  async stop(): Promise<void> {
    const starting = this.#starting;
    this.#starting = undefined;
    this.#pool = undefined;
    // A start that fails has stopped by itself, and its caller knows.
    const pool = await starting?.catch(() => undefined);
    this.#pool = undefined;
    await pool?.stop();
  }

  async embed(texts: readonly string[], options: EmbedOptions): Promise<Float32Array[]> {
    options.signal?.throwIfAborted();
    assertTexts(texts);
    const pool = this.#requirePool();
    if (texts.length === 0) return [];
    const { truncation } = this.#model;
    const whole = await pool.embed(texts, options);
    const vectors = truncation ? whole.map((vector) => truncate(vector, this.dimension, truncation)) : whole;
    assertVectors(vectors, texts.length, this.dimension);
    return vectors;
  }

  async split(text: string, options?: SplitOptions): Promise<string[]> {
    const trimmed = text.trim();
    if (trimmed === '') return [];
    const prefix = (this.#model.prefixes ?? noPrefixes)[options?.kind ?? 'passage'];
    if (surelyFits(`${prefix}${trimmed}`, this.maxTokens - specialTokens)) return [trimmed];
    const pool = this.#requirePool();
    const split = async (part: string, rest?: SplitOptions): Promise<string[]> =>
      part.trim() === '' ? [] : pool.split(part.trim(), rest);
    return splitInParts(split, trimmed, partLimit(this.maxTokens), options);
  }

  #requirePool(): OnnxPool {
    if (!this.#pool) throw new AppError('embedding_unavailable', `The embedder ${this.modelId} is not running.`);
    return this.#pool;
  }
}
