import { AppError } from '@memory-layer/shared/errors/app-error';
import type { Reranker, RerankOptions } from '../reranker.ts';
import { parseScores, requestBody, textsPerRequest, type RerankFormat } from './rerank-format.ts';

export interface RerankEndpointOptions {
  /** The whole address, such as `https://api.cohere.com/v2/rerank` or `http://tei:8080/rerank`. */
  readonly url: string;
  readonly format: RerankFormat;
  readonly apiKey?: string;
  /** The server's name of the model; servers of one model need none. */
  readonly model?: string;
  readonly fetch?: typeof globalThis.fetch;
}

/** Any server with a rerank endpoint of one of the known formats. Its timeout is its caller's signal. */
export class RerankEndpoint implements Reranker {
  readonly #options: RerankEndpointOptions;
  readonly #inFlight = new Set<Promise<unknown>>();
  #running = false;

  constructor(options: RerankEndpointOptions) {
    this.#options = options;
  }

  /** Asks nothing of the server: it may come later than this process. */
  async start(): Promise<void> {
    this.#running = true;
  }

  async stop(): Promise<void> {
    this.#running = false;
    await Promise.allSettled(this.#inFlight);
  }

  async rerank(query: string, texts: readonly string[], { signal }: RerankOptions = {}): Promise<number[]> {
    signal?.throwIfAborted();
    if (!this.#running) throw new AppError('unavailable', 'The reranker is not running.');
    // One request that fails takes the others of its call with it.
    const failed = new AbortController();
    const either = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal;
    const size = textsPerRequest[this.#options.format];
    const parts = Array.from({ length: Math.ceil(texts.length / size) }, (_, part) =>
      this.#track(this.#ask(query, texts.slice(part * size, (part + 1) * size), either)),
    );
    try {
      return (await Promise.all(parts)).flat();
    } catch (error) {
      failed.abort(error);
      signal?.throwIfAborted();
      throw error;
    }
  }

  #track<Result>(request: Promise<Result>): Promise<Result> {
    this.#inFlight.add(request);
    return request.finally(() => this.#inFlight.delete(request));
  }

  async #ask(query: string, texts: readonly string[], signal: AbortSignal): Promise<number[]> {
    const { format, model } = this.#options;
    const response = await this.#post(requestBody(format, { model, query, texts }), signal);
    // A server's sentence may quote the key or the texts: only the number is told.
    if (!response.ok) throw new AppError('unavailable', `The rerank server answered ${response.status}.`);
    const body: unknown = await response.json().catch(() => undefined);
    signal.throwIfAborted();
    const scores = parseScores(format, body, texts.length);
    if (typeof scores === 'string') throw new AppError('unavailable', `The rerank server's answer ${scores}.`);
    return scores;
  }

  async #post(body: object, signal: AbortSignal): Promise<Response> {
    const { url, apiKey, fetch = globalThis.fetch } = this.#options;
    const authorization = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
    try {
      return await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...authorization },
        body: JSON.stringify(body),
        signal,
        // A redirect would carry the texts to a server that nobody configured.
        redirect: 'error',
      });
    } catch (error) {
      signal.throwIfAborted();
      throw new AppError('unavailable', 'The rerank server cannot be reached.', { cause: error });
    }
  }
}
