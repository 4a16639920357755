import type { ServerResponse } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import type { Component } from '@memory-layer/shared/lifecycle/component';
import type { Readiness } from '@memory-layer/shared/lifecycle/readiness';

export interface HttpServerOptions {
  readonly fetch: Parameters<typeof createAdaptorServer>[0]['fetch'];
  readonly host: string;
  readonly port: number;
  readonly readiness: Readiness;
}

/** Listens, and on stop answers what it has accepted before it closes. */
export class HttpServer implements Component {
  readonly id = 'http';
  readonly #options: HttpServerOptions;
  readonly #server: ReturnType<typeof createAdaptorServer>;
  readonly #underWay = new Set<ServerResponse>();
  #stopped: Promise<void> | undefined;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#server = createAdaptorServer({
      fetch: options.fetch,
      // A stream of messages may be sent for as long as it likes; all other bodies have the deadline of their request.
      serverOptions: { requestTimeout: 0 },
    });
    this.#server.prependListener('request', (_request: unknown, response: ServerResponse) => this.#track(response));
  }

  /** Where it listens: the port is the real one, also when 0 was asked for. */
  get url(): string {
    const address = this.#server.address();
    const { host, port } = this.#options;
    const boundPort = typeof address === 'object' && address !== null ? address.port : port;
    return `http://${host.includes(':') ? `[${host}]` : host}:${boundPort}`;
  }

  /** @throws when the port is taken. */
  async start(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#options.port, this.#options.host, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
  }

  stop(): Promise<void> {
    this.#options.readiness.set('draining');
    this.#stopped ??= this.#close();
    return this.#stopped;
  }

  #track(response: ServerResponse): void {
    this.#underWay.add(response);
    response.once('close', () => this.#underWay.delete(response));
    if (this.#stopped !== undefined) response.shouldKeepAlive = false;
  }

  /** Idle connections are closed at once, busy ones after their answer: a client must not go on through them. */
  async #close(): Promise<void> {
    if (!this.#server.listening) return;
    for (const response of this.#underWay) response.shouldKeepAlive = false;
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
