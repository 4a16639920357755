import { z } from 'zod';

/**
 * How servers want to be asked. `cohere`: Cohere v2, Jina, vLLM, Infinity, TensorRT-LLM, OpenVINO. `tei`: Hugging
 * Face's text-embeddings-inference.
 *
 * Sources: https://docs.cohere.com/reference/rerank, https://jina.ai/reranker,
 * https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html (Re-rank API),
 * https://huggingface.github.io/text-embeddings-inference (POST /rerank)
 */
export type RerankFormat = 'cohere' | 'tei';

export interface RerankRequest {
  readonly model: string | undefined;
  readonly query: string;
  readonly texts: readonly string[];
}

/** Texts of one request. TEI refuses more than its `--max-client-batch-size`, 32 unless it is told otherwise. */
export const textsPerRequest = { cohere: 100, tei: 32 } as const satisfies Record<RerankFormat, number>;

export function requestBody(format: RerankFormat, { model, query, texts }: RerankRequest): object {
  // TEI answers 413 to a text that is too long unless it may cut it; the others cut by themselves.
  if (format === 'tei') return { query, texts, raw_scores: false, return_text: false, truncate: true };
  return { model, query, documents: texts, top_n: texts.length };
}

const cohereSchema = z.object({
  results: z.array(z.object({ index: z.int().nonnegative(), relevance_score: z.number() })),
});
const teiSchema = z.array(z.object({ index: z.int().nonnegative(), score: z.number() }));

/** The scores of an answer in the order of the texts, or why it has none. */
export function parseScores(format: RerankFormat, body: unknown, count: number): number[] | string {
  const results = format === 'tei' ? parseTei(body) : parseCohere(body);
  if (results === undefined) return 'is malformed';
  const ordered = results.toSorted((left, right) => left.index - right.index);
  const isWhole = ordered.length === count && ordered.every(({ index }, position) => index === position);
  return isWhole ? ordered.map(({ score }) => score) : 'does not have each text once';
}

interface Result {
  readonly index: number;
  readonly score: number;
}

function parseCohere(body: unknown): Result[] | undefined {
  const parsed = cohereSchema.safeParse(body);
  return parsed.data?.results.map(({ index, relevance_score }) => ({ index, score: relevance_score }));
}

function parseTei(body: unknown): Result[] | undefined {
  return teiSchema.safeParse(body).data;
}
