import type { Embedder } from '@memory-layer/shared/embedding/embedder';

const topics = [
  /\b(automobile|brakes|car|engine|vehicle)\b/gi,
  /\b(bloom|flowers|garden|tulips)\b/gi,
  /\b(bread|oven|recipe)\b/gi,
] as const;

/** A model that knows three topics: texts that share no word are near each other when they are about the same one. */
export class TopicEmbedder implements Embedder {
  readonly modelId = 'topics';
  readonly dimension = topics.length + 1;
  readonly maxTokens = 1000;
  /** Passages that were embedded, in their order. */
  readonly passages: string[] = [];

  async embed(texts: readonly string[], { kind }: { readonly kind: 'query' | 'passage' }): Promise<Float32Array[]> {
    if (kind === 'passage') this.passages.push(...texts);
    return texts.map((text) => {
      const counts = topics.map((topic) => text.match(topic)?.length ?? 0);
      const length = Math.hypot(...counts, 0.1);
      return Float32Array.from([...counts, 0.1], (value) => value / length);
    });
  }

  async split(text: string): Promise<string[]> {
    return [text];
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {}
}
