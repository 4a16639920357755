import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Embedder, EmbedOptions } from '@memory-layer/shared/embedding/embedder';
import { normalise } from '@memory-layer/shared/embedding/vector';
import { AppError } from '@memory-layer/shared/errors/app-error';

export type EmbedderMood = 'well' | 'failing' | 'rejecting' | 'hanging';

const dimension = 64;
const meaningfulLetters = 4;

/**
 * A model made of arithmetic: words mean the same when their first four letters do. So `gardenia` is near
 * `gardening` in meaning, while full-text search sees two words.
 */
export class WordEmbedder implements Embedder {
  readonly modelId = 'words';
  readonly dimension = dimension;
  readonly maxTokens = 1000;
  /** How it answers from now on. */
  mood: EmbedderMood = 'well';
  /** Texts it was asked for, whatever it answered. */
  readonly asked: string[] = [];

  async embed(texts: readonly string[], options: EmbedOptions): Promise<Float32Array[]> {
    this.asked.push(...texts);
    if (this.mood === 'hanging') await sleep(60_000, undefined, { signal: options.signal, ref: false });
    if (this.mood === 'failing') throw new AppError('embedding_unavailable', 'the model is away');
    if (this.mood === 'rejecting') throw new AppError('embedding_rejected', 'the model refused a text');
    return texts.map(embedWords);
  }

  split(text: string): Promise<string[]> {
    return Promise.resolve([text]);
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }
}

function embedWords(text: string): Float32Array {
  const vector = new Float32Array(dimension);
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  for (const word of words) {
    const [axis = 0, sign = 0] = createHash('sha256').update(word.slice(0, meaningfulLetters)).digest();
    vector[axis % dimension] = (vector[axis % dimension] ?? 0) + (sign % 2 === 0 ? 1 : -1);
  }
  // Words that cancel each other out, or none at all, still need a direction.
  if (vector.every((value) => value === 0)) vector[0] = 1;
  return normalise(vector);
}
