import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { commonHeaders } from '../http/common-headers.ts';
import { ConnectionGuard } from '../http/connection-guard.ts';
import { defaultConnectionLimits, serverOptions, type ConnectionLimits } from '../http/connection-limits.ts';
import { listen, opsAddressVariables } from '../http/listen.ts';
import type { Component } from '../lifecycle/component.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { OpsConfig } from './ops-config.ts';
import { readinessProblem, type ReadinessParts } from './readiness-problem.ts';

export interface OpsServerDeps extends ReadinessParts {
  readonly metrics: Pick<Metrics, 'connectionsClosed'> & { readonly registry: Exposition };
}

/** Metrics in the text format of Prometheus. */
export interface Exposition {
  readonly contentType: string;
  metrics(): Promise<string>;
}

/** A few scrapers and probes, and no crowd in front of them. */
const opsLimits: ConnectionLimits = { ...defaultConnectionLimits, maxConnections: 128, maxConnectionsPerAddress: 64 };

/**
 * Health and metrics of one process, without a key, on an address of their own: /livez, /readyz, /metrics. It is the
 * first to start and the last to stop, so that a process can be watched while it comes up and goes down.
 */
export class OpsServer implements Component {
  readonly id = 'ops';
  readonly #config: OpsConfig;
  readonly #deps: OpsServerDeps;
  readonly #server: Server;

  constructor(config: OpsConfig, deps: OpsServerDeps, limits: ConnectionLimits = opsLimits) {
    this.#config = config;
    this.#deps = deps;
    this.#server = createServer(serverOptions(limits), (request, response) => {
      // A rejection that nobody handles would end the process that is only being watched.
      this.#answer(request, response).catch(() => response.destroy());
    });
    // It keeps itself alive by listening to the server.
    // oxlint-disable-next-line no-new
    new ConnectionGuard(this.#server, {
      limits,
      isProxy: () => false,
      onClose: (reason) => deps.metrics.connectionsClosed.inc({ reason }),
    });
  }

  /** @throws ConfigError when the port is taken. */
  async start(): Promise<void> {
    await listen(this.#server, { ...this.#config, variables: opsAddressVariables });
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url?.split('?')[0];
    if (path === '/livez') return json(response, 200, { status: 'ok' });
    if (path === '/readyz') {
      const problem = await readinessProblem(this.#deps);
      return problem === undefined
        ? json(response, 200, { status: 'ready' })
        : json(response, 503, { status: 'not ready', reason: problem });
    }
    if (path === '/metrics') {
      const { registry } = this.#deps.metrics;
      const text = await registry.metrics();
      response.writeHead(200, { ...commonHeaders, 'content-type': registry.contentType }).end(text);
      return;
    }
    json(response, 404, { status: 'not found' });
  }
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { ...commonHeaders, 'content-type': 'application/json' }).end(JSON.stringify(body));
}
