import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Embedder, EmbedKind, EmbedOptions, SplitOptions } from '@memory-layer/shared/embedding/embedder';

export interface CacheOptions {
  /** Vectors kept, the least recently used going first; a vector of 512 dimensions takes 2 KiB. */
  readonly maxEntries: number;
}

/**
 * An embedder that computes identical texts once: within a call, and across calls as long as its cache holds them.
 */
export class CachedEmbedder implements Embedder {
  readonly modelId: string;
  readonly dimension: number;
  readonly maxTokens: number;
  readonly #inner: Embedder;
  readonly #vectors: LRUCache<string, Float32Array>;

  constructor(inner: Embedder, { maxEntries }: CacheOptions) {
    this.modelId = inner.modelId;
    this.dimension = inner.dimension;
    this.maxTokens = inner.maxTokens;
    this.#inner = inner;
    this.#vectors = new LRUCache({ max: maxEntries });
  }

  start(): Promise<void> {
    return this.#inner.start();
  }

  stop(): Promise<void> {
    return this.#inner.stop();
  }

  split(text: string, options?: SplitOptions): Promise<string[]> {
    return this.#inner.split(text, options);
  }

  async embed(texts: readonly string[], options: EmbedOptions): Promise<Float32Array[]> {
    options.signal?.throwIfAborted();
    const keys = texts.map((text) => this.#keyOf(text, options.kind));
    const found = new Map(keys.flatMap((key) => this.#lookUp(key)));
    const own = new Set<string>();
    const missing = new Map(keys.map((key, index) => [key, texts[index] ?? '']));
    for (const key of found.keys()) missing.delete(key);
    if (missing.size > 0) {
      const missingKeys = [...missing.keys()];
      const places = new Map(keys.map((key, place) => [key, place]));
      const computed = await this.#inner.embed([...missing.values()], {
        ...options,
        // What is finished when the rest fails is not computed again.
        onPart: (from, vectors) => {
          for (const [index, vector] of vectors.entries()) {
            const key = missingKeys[from + index] ?? '';
            this.#keep(key, vector);
            options.onPart?.(places.get(key) ?? 0, [vector]);
          }
        },
      });
      missingKeys.forEach((key, index) => {
        const vector = computed[index];
        if (!vector) throw new Error('the embedder gave fewer vectors than texts');
        this.#keep(key, vector);
        found.set(key, vector);
        own.add(key);
      });
    }
    // What a caller does to its vector must not change the next caller's: only what was computed now is not a copy.
    return keys.flatMap((key) => {
      const vector = found.get(key);
      if (vector === undefined) return [];
      return own.delete(key) ? [vector] : [vector.slice()];
    });
  }

  /** A copy: the vector may be a view of a whole batch, which the cache would keep alive. */
  #keep(key: string, vector: Float32Array): void {
    if (!this.#vectors.has(key)) this.#vectors.set(key, vector.slice());
  }

  /** The text itself is not kept: a digest is enough, and is smaller. */
  #keyOf(text: string, kind: EmbedKind): string {
    return hash('sha256', `${this.modelId}\0${kind}\0${text}`, 'base64');
  }

  #lookUp(key: string): [string, Float32Array][] {
    const vector = this.#vectors.get(key);
    return vector ? [[key, vector]] : [];
  }
}
