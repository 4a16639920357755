import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { z } from 'zod';

const requestSchema = z.object({
  model: z.string(),
  input: z.array(z.string()),
  encoding_format: z.literal('float'),
  dimensions: z.int().positive().optional(),
});

export type EmbeddingRequest = z.infer<typeof requestSchema>;

/** Answers a request in its own way; what it does not answer gets a proper answer. */
export type Handler = (request: EmbeddingRequest, response: ServerResponse) => boolean | undefined;

/** A real HTTP server with `POST /v1/embeddings`, for tests: the vectors come from `embed`. */
export class EmbeddingServer {
  readonly requests: { readonly body: EmbeddingRequest; readonly authorization: string | undefined }[] = [];
  /** Set it to misbehave. */
  handler: Handler = () => false;
  readonly #server: Server;

  constructor(embed: (texts: readonly string[]) => Promise<Float32Array[]>) {
    this.#server = createServer((request, response) => {
      this.#answer(request, response, embed).catch(() => response.destroy());
    });
  }

  async #answer(
    request: IncomingMessage,
    response: ServerResponse,
    embed: (texts: readonly string[]) => Promise<Float32Array[]>,
  ): Promise<void> {
    if (request.method !== 'POST' || request.url !== '/v1/embeddings') {
      response.writeHead(404).end();
      return;
    }
    const body = requestSchema.parse(await json(request));
    this.requests.push({ body, authorization: request.headers.authorization });
    if (this.handler(body, response)) return;
    const vectors = await embed(body.input);
    // Not in order and not of length one, as the interface allows.
    const data = vectors.map((vector, index) => ({
      index,
      object: 'embedding',
      embedding: [...vector].map((v) => v * 3),
    }));
    sendJson(response, 200, { object: 'list', model: body.model, data: data.toReversed() });
  }

  /** @returns the base URL for the client. */
  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    // A server that listens on a TCP port has such an address.
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}/v1`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): true {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  return true;
}
