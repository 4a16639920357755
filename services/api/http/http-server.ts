import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { getRequestListener, RequestError } from '@hono/node-server';
import { AppError } from '@memory-layer/shared/errors/app-error';
import { commonHeaders } from '@memory-layer/shared/http/common-headers';
import { ConnectionGuard, type CloseReason } from '@memory-layer/shared/http/connection-guard';
import {
  defaultConnectionLimits,
  serverOptions,
  type ConnectionLimits,
} from '@memory-layer/shared/http/connection-limits';
import { apiAddressVariables, listen } from '@memory-layer/shared/http/listen';
import type { Component } from '@memory-layer/shared/lifecycle/component';
import type { Readiness } from '@memory-layer/shared/lifecycle/readiness';
import { versionHeader } from './api-version.ts';
import { problemHeaders, toProblem } from './errors.ts';

export interface HttpServerOptions {
  readonly fetch: Parameters<typeof getRequestListener>[0];
  readonly host: string;
  readonly port: number;
  readonly readiness: Readiness;
  readonly limits?: Partial<ConnectionLimits>;
  /** Peers that connect for many clients; none when not given. */
  readonly isProxy?: (address: string) => boolean;
  /** Called for each connection that the server closes before its client is done with it. */
  readonly onClose?: (reason: CloseReason) => void;
}

/** Listens within the limits of connections, and on stop answers what it has accepted before it closes. */
export class HttpServer implements Component {
  readonly id = 'http';
  readonly #options: HttpServerOptions;
  readonly #server: Server;
  readonly #guard: ConnectionGuard;
  #isStarted = false;
  #stopped: Promise<void> | undefined;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    const limits = { ...defaultConnectionLimits, ...options.limits };
    const answer = getRequestListener(options.fetch, { errorHandler: answerError });
    this.#server = createServer(serverOptions(limits), (request, response) => {
      // The parser goes on through what had arrived before the guard closed the connection.
      if (!request.socket.destroyed) void answer(request, response);
    });
    this.#guard = new ConnectionGuard(this.#server, {
      limits,
      headers: versionHeader,
      isProxy: options.isProxy ?? (() => false),
      onClose: options.onClose ?? (() => undefined),
    });
  }

  /** Where it listens: the port is the real one, also when 0 was asked for. */
  get url(): string {
    const address = this.#server.address();
    const { host, port } = this.#options;
    const boundPort = typeof address === 'object' && address !== null ? address.port : port;
    return `http://${host.includes(':') ? `[${host}]` : host}:${boundPort}`;
  }

  /** @throws ConfigError when the port is taken. */
  async start(): Promise<void> {
    const { host, port } = this.#options;
    await listen(this.#server, { host, port, variables: apiAddressVariables });
    this.#isStarted = true;
  }

  stop(): Promise<void> {
    this.#options.readiness.set('draining');
    this.#stopped ??= this.#close();
    return this.#stopped;
  }

  /**
   * Takes no more connections, and ends each that is open with its next answer: a client that sends into an idle one is
   * answered, where another process takes its next connection.
   *
   * @param graceMs how long clients have for that. Those that are still there afterwards are left to {@link stop}.
   */
  async linger(graceMs: number): Promise<void> {
    this.#options.readiness.set('draining');
    this.#guard.drain(graceMs);
    const closed = new Promise<void>((resolve) => this.#server.once('close', () => resolve()));
    // That of HTTP closes idle connections at once.
    NetServer.prototype.close.call(this.#server);
    await Promise.race([closed, sleep(graceMs, undefined, { ref: false })]);
  }

  /** Idle connections are closed at once, busy ones after their answer: a client must not go on through them. */
  async #close(): Promise<void> {
    if (!this.#isStarted) return;
    this.#guard.drain();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

/** What the adapter does not hand to the app: a request target or a Host that is none. */
function answerError(thrown: unknown): Response {
  const error =
    thrown instanceof RequestError
      ? new AppError('malformed_request', 'The request target or the Host header is not valid.', { cause: thrown })
      : new AppError('internal', 'unexpected error', { cause: thrown });
  const requestId = randomUUID();
  return new Response(JSON.stringify(toProblem(error, { instance: '/', requestId })), {
    status: error.status,
    headers: { ...versionHeader, ...commonHeaders, ...problemHeaders(error), 'x-request-id': requestId },
  });
}
