import type { Embedder, EmbedOptions } from '../embedder.ts';

/** An embedder whose answers a test decides. By default each text gives a vector made of its length. */
export class ScriptedEmbedder implements Embedder {
  readonly modelId = 'scripted';
  readonly dimension = 2;
  readonly maxTokens = 16;
  readonly calls: { readonly texts: readonly string[]; readonly options: EmbedOptions }[] = [];
  answer: (texts: readonly string[], options: EmbedOptions) => Promise<Float32Array[]> = (texts) =>
    Promise.resolve(texts.map((text) => Float32Array.of(text.length, 1)));

  embed(texts: readonly string[], options: EmbedOptions): Promise<Float32Array[]> {
    this.calls.push({ texts, options });
    return this.answer(texts, options);
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
