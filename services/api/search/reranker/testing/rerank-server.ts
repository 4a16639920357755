import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { z } from 'zod';

const requestSchema = z.union([
  z.strictObject({ model: z.string().optional(), query: z.string(), documents: z.array(z.string()), top_n: z.int() }),
  z.strictObject({
    query: z.string(),
    texts: z.array(z.string()).max(32),
    raw_scores: z.literal(false),
    return_text: z.literal(false),
    truncate: z.literal(true),
  }),
]);
type RerankBody = z.infer<typeof requestSchema>;

/** A real HTTP server that reranks at `/cohere` and `/tei`: a text's score is the share of the query's words it has. */
export class RerankServer {
  readonly requests: { readonly body: RerankBody; readonly authorization: string | undefined }[] = [];
  /** Set it to misbehave; what it does not answer gets a proper answer. */
  handler: (response: ServerResponse) => boolean = () => false;
  readonly #server: Server = createServer((request, response) => {
    this.#answer(request, response).catch(() => response.writeHead(422).end());
  });

  /** @returns its base URL. */
  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    // A server that listens on a TCP port has such an address.
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = requestSchema.parse(await json(request));
    this.requests.push({ body, authorization: request.headers.authorization });
    if (this.handler(response)) return;
    const isCohere = 'documents' in body;
    if (request.url !== (isCohere ? '/cohere' : '/tei')) return void response.writeHead(404).end();
    const texts = isCohere ? body.documents : body.texts;
    // Best first, as servers answer.
    const results = texts
      .map((text, index) => ({ index, score: shareOfWords(body.query, text) }))
      .toSorted((left, right) => right.score - left.score);
    const answer = isCohere
      ? { id: 'x', results: results.map(({ index, score }) => ({ index, relevance_score: score })) }
      : results;
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  }
}

function shareOfWords(query: string, text: string): number {
  const words = (value: string) => value.toLowerCase().match(/\w+/g) ?? [];
  const has = new Set(words(text));
  const asked = words(query);
  return asked.filter((word) => has.has(word)).length / Math.max(1, asked.length);
}
