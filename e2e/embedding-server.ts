import { createHash } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

const dimension = 64;

/** How a request is answered; `hangs` never ends it. */
export type Behaviour = 'works' | 'answers 500' | 'hangs' | 'answers no numbers' | 'answers another dimension';

export type EmbeddingServer = Awaited<ReturnType<typeof startEmbeddingServer>>;

/** An OpenAI-compatible embedding server with a script: texts that share words are alike. */
export async function startEmbeddingServer() {
  const state = {
    behaviour: 'works' as Behaviour,
    /** Requests with such a text are refused with 400. */
    isPoison: (_text: string): boolean => false,
    /** After this many more answers it hangs. */
    answersLeft: Number.POSITIVE_INFINITY,
    /** Time that each answer takes. */
    delayMs: 0,
    /** Texts of all requests, answered or not. */
    asked: [] as string[],
    /** Requests that were left without an answer. */
    hanging: 0,
  };

  async function answer(input: readonly string[], response: ServerResponse): Promise<void> {
    state.asked.push(...input);
    if (state.behaviour === 'hangs' || state.answersLeft <= 0) {
      state.hanging += 1;
      return;
    }
    state.answersLeft -= 1;
    await sleep(state.delayMs);
    if (state.behaviour === 'answers 500') return send(response, 500, { error: { type: 'server_error' } });
    if (input.some(state.isPoison)) return send(response, 400, { error: { type: 'invalid_request_error' } });
    const data = input.map((text, index) => ({ index, embedding: vectorOf(text, state.behaviour) }));
    send(response, 200, { data });
  }

  const server = createServer((request, response) => {
    json(request)
      .then((body) => answer((body as { input: string[] }).input, response))
      .catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  return Object.assign(state, {
    /** Makes the standalone process use this server. */
    env: {
      MEMORY_EMBEDDING_PROVIDER: 'openai',
      MEMORY_EMBEDDING_BASE_URL: `http://127.0.0.1:${port}/v1`,
      MEMORY_EMBEDDING_MODEL_NAME: 'scripted',
      MEMORY_EMBEDDING_DIMENSIONS: String(dimension),
    },
    async stop(): Promise<void> {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function vectorOf(text: string, behaviour: Behaviour): (number | null)[] {
  if (behaviour === 'answers no numbers') return Array.from({ length: dimension }, () => null);
  const vector = Array.from({ length: behaviour === 'answers another dimension' ? dimension + 1 : dimension }, () => 0);
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) {
    const place = (createHash('sha1').update(word).digest()[0] ?? 0) % dimension;
    vector[place] = (vector[place] ?? 0) + 1;
  }
  return vector;
}
