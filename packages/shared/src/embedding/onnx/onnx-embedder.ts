import { AppError } from '../../errors/app-error.ts';
import type { Embedder, EmbedOptions, SplitOptions } from '../embedder.ts';
import { assertTexts } from '../text-check.ts';
import { assertVectors } from '../vector-check.ts';
import type { OnnxModelFiles } from './model-files.ts';
import { OnnxPool, type OnnxPoolOptions } from './onnx-pool.ts';
import { surelyFits } from '../passage-splitter.ts';
import { partLimit, splitInParts } from '../split-part.ts';

export interface OnnxModel {
  readonly modelId: string;
  readonly dimension: number;
  /** Special tokens included. */
  readonly maxTokens: number;
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
      const pool = new OnnxPool(await this.#model.prepare(), this.#options);
      await pool.start();
      this.#pool = pool;
      return pool;
    } catch (error) {
      this.#starting = undefined;
      throw error;
    }
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
    const vectors = await pool.embed(texts, options);
    assertVectors(vectors, texts.length, this.dimension);
    return vectors;
  }

  async split(text: string, options?: SplitOptions): Promise<string[]> {
    const trimmed = text.trim();
    if (trimmed === '') return [];
    if (surelyFits(trimmed, this.maxTokens - specialTokens)) return [trimmed];
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
