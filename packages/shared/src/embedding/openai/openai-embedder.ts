import { setImmediate as turn } from 'node:timers/promises';
import { AppError } from '../../errors/app-error.ts';
import type { Embedder, EmbedOptions, SplitOptions } from '../embedder.ts';
import { splitIntoPassages, type TokenMeter } from '../passage-splitter.ts';
import { partLimit, splitInParts } from '../split-part.ts';
import { estimateTokens } from '../token-estimate.ts';
import { assertTexts, assertVectors } from '../embedder-checks.ts';
import { normalise } from '../vector.ts';
import { noPrefixes, type Prefixes, truncate, type Truncation, vectorSpaceId } from '../vector-space.ts';
import { errorOfResponse, parseEmbeddings } from './embeddings-response.ts';

export interface OpenAiEmbedderOptions {
  /** Up to and without `/embeddings`, such as `https://api.openai.com/v1`. */
  readonly baseUrl: string;
  readonly apiKey?: string;
  /** The server's name of the model. */
  readonly modelName: string;
  readonly dimension: number;
  /** Length of the model's vectors where they are to be cut to `dimension`. Others are refused, longer ones too. */
  readonly ownDimension?: number | undefined;
  readonly truncation?: Truncation;
  readonly maxTokens: number;
  /** Put before what is sent, and counted towards `maxTokens`. Default: none. */
  readonly prefixes?: Prefixes;
  /** Whether the server is asked for `dimension`, as OpenAI's can be; some refuse that. Default: false. */
  readonly sendDimension?: boolean;
  /** For each request; default 30 s. */
  readonly timeoutMs?: number;
  /** Texts in one request; default 64. */
  readonly batchSize?: number;
  /** Estimated tokens in one request, at least one text; default 16 384. */
  readonly batchTokens?: number;
  readonly fetch?: typeof globalThis.fetch;
}

/**
 * Any server with an OpenAI-compatible `POST /v1/embeddings`: OpenAI, TEI, vLLM, Ollama and others.
 *
 * Answers 400, 413, 422 and the like mean `embedding_rejected`; a wrong key or model name, 429, 5xx and network
 * failures mean `embedding_unavailable`, since they say nothing about the text.
 */
export class OpenAiEmbedder implements Embedder {
  readonly modelId: string;
  readonly dimension: number;
  readonly maxTokens: number;
  readonly #options: OpenAiEmbedderOptions;
  readonly #prefixes: Prefixes;
  readonly #inFlight = new Set<Promise<unknown>>();
  #running = false;

  constructor(options: OpenAiEmbedderOptions) {
    this.#prefixes = options.prefixes ?? noPrefixes;
    this.modelId = vectorSpaceId(options.modelName, { prefixes: this.#prefixes });
    this.dimension = options.dimension;
    this.maxTokens = options.maxTokens;
    this.#options = options;
  }

  /** Asks nothing of the server: it may come later than this process. */
  start(): Promise<void> {
    this.#running = true;
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#running = false;
    await Promise.allSettled(this.#inFlight);
  }

  async embed(texts: readonly string[], { kind, signal, onPart }: EmbedOptions): Promise<Float32Array[]> {
    signal?.throwIfAborted();
    assertTexts(texts);
    const vectors: Float32Array[] = [];
    const prefixed = texts.map((text) => `${this.#prefixes[kind]}${text}`);
    for (const batch of this.#batches(prefixed)) {
      if (!this.#running) throw new AppError('embedding_unavailable', `The embedder ${this.modelId} is not running.`);
      const request = this.#embedBatch(batch, signal);
      this.#inFlight.add(request);
      const part = await request.finally(() => this.#inFlight.delete(request));
      onPart?.(vectors.length, part);
      vectors.push(...part);
    }
    return vectors;
  }

  /** On the calling event loop, which gets its turn between two parts. */
  split(text: string, options?: SplitOptions): Promise<string[]> {
    // On the safe side: the model's tokenizer is not known.
    const prefix = this.#prefixes[options?.kind ?? 'passage'];
    const meter: TokenMeter = { capacity: this.maxTokens - estimateTokens(prefix), count: estimateTokens };
    const split = async (part: string): Promise<string[]> => {
      await turn();
      return splitIntoPassages(part, meter);
    };
    return splitInParts(split, text, partLimit(this.maxTokens), options);
  }

  /** Servers bound a request by its texts and by its tokens. */
  *#batches(texts: readonly string[]): Generator<readonly string[]> {
    const { batchSize = 64, batchTokens = 16_384 } = this.#options;
    let from = 0;
    let tokens = 0;
    for (const [index, text] of texts.entries()) {
      const more = estimateTokens(text);
      if (index > from && (index - from === batchSize || tokens + more > batchTokens)) {
        yield texts.slice(from, index);
        from = index;
        tokens = 0;
      }
      tokens += more;
    }
    if (from < texts.length) yield texts.slice(from);
  }

  async #embedBatch(texts: readonly string[], signal: AbortSignal | undefined): Promise<Float32Array[]> {
    const whole = parseEmbeddings(await this.#request(texts, signal));
    const { truncation, ownDimension } = this.#options;
    const vectors = whole.map((vector) =>
      vector.length === ownDimension ? truncate(vector, this.dimension, truncation) : vector,
    );
    assertVectors(vectors, texts.length, this.dimension);
    return vectors.map(normalise);
  }

  async #request(texts: readonly string[], signal: AbortSignal | undefined): Promise<unknown> {
    const { baseUrl, apiKey, fetch = globalThis.fetch, timeoutMs = 30_000 } = this.#options;
    const { modelName, sendDimension = false } = this.#options;
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      const response = await fetch(`${baseUrl.replace(/\/+$/u, '')}/embeddings`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
        },
        body: JSON.stringify({
          model: modelName,
          input: texts,
          encoding_format: 'float',
          ...(sendDimension && { dimensions: this.dimension }),
        }),
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
        // A redirect would carry the texts to a server that nobody configured.
        redirect: 'error',
      });
      const body: unknown = await response.json().catch((error: unknown) => {
        if (error instanceof SyntaxError) return undefined;
        throw error;
      });
      if (!response.ok) throw errorOfResponse(response.status, response.headers.get('retry-after'), body);
      return body;
    } catch (error) {
      if (error instanceof AppError) throw error;
      signal?.throwIfAborted();
      const reason = timeout.aborted ? `did not answer within ${timeoutMs} ms` : 'cannot be reached';
      throw new AppError('embedding_unavailable', `The embedding server ${reason}.`, { cause: error });
    }
  }
}
