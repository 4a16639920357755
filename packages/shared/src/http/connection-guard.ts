import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { clientBlock, type ConnectionLimits } from './connection-limits.ts';
import { closeAfter, parserErrorOf, rawProblem } from './parser-error.ts';

/** Why a connection was closed that its client had not finished with. */
export const closeReasons = ['connections', 'address', 'headers', 'malformed', 'pipelined', 'idle', 'stalled'] as const;
export type CloseReason = (typeof closeReasons)[number];

export interface ConnectionGuardOptions {
  readonly limits: ConnectionLimits;
  /** Of every answer of the server: the guard answers what its parser does not take. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Peers that connect for many clients: a trusted proxy has no limit of its own. */
  readonly isProxy: (address: string) => boolean;
  readonly onClose: (reason: CloseReason) => void;
}

interface Connection {
  readonly socket: Socket;
  /** Undefined: not counted by address. */
  readonly block: string | undefined;
  readonly unanswered: Set<ServerResponse>;
  idleSince: number;
  /** Where the client stood when it last took something of its answer. */
  progress: { readonly at: number; readonly sent: number; readonly waiting: number } | undefined;
}

// One connection is one client: one that asks for more at a time has a limit of requests, not of connections, to hide in.
const maxPipelined = 16;
const maxRequestsPerConnection = 10_000;
// Less than this within the stall limit is no progress: a byte a minute would hold an answer in memory for days.
const minProgressBytes = 65_536;
// Once the process goes down: for requests whose header is under way, and for clients that do not read.
const drainGraceMs = 1000;

/**
 * Bounds what connections may hold: how many there are, how long they may be silent, and how long an answer waits for
 * its client. One timer looks at all of them; a request costs two set operations.
 */
export class ConnectionGuard {
  readonly #options: ConnectionGuardOptions;
  readonly #connections = new Map<Socket, Connection>();
  /** Without a request under way, the longest idle one first. */
  readonly #idle = new Set<Connection>();
  readonly #ofBlock = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #isDraining = false;
  /** How long a draining connection may be silent, or not take its answer. */
  #graceMs = drainGraceMs;

  constructor(server: Server, options: ConnectionGuardOptions) {
    this.#options = options;
    const { maxConnections } = options.limits;
    // The guard refuses first: this holds while closed sockets are still counted.
    server.maxConnections = maxConnections + 64;
    server.maxRequestsPerSocket = maxRequestsPerConnection;
    // Node.js would leave fields out without a word; their size bounds their number.
    server.maxHeadersCount = 0;
    server.prependListener('connection', (socket: Socket) => this.#accept(socket));
    server.prependListener('request', (request: IncomingMessage, response: ServerResponse) =>
      this.#begin(request, response),
    );
    server.on('clientError', (error: Error, socket: Socket) => this.#refuse(error, socket));
    // An expectation that is not understood may be ignored (RFC 9110, section 10.1.1).
    server.on('checkExpectation', (request, response) => void server.emit('request', request, response));
    server.on('connect', (_request: IncomingMessage, socket: Socket) =>
      closeAfter(
        socket,
        rawProblem({ code: 'method_not_allowed', detail: 'This server is no proxy.' }, options.headers),
      ),
    );
    const { stallTimeoutMs, keepAliveTimeoutMs } = options.limits;
    server.once('listening', () => this.#checkEvery(Math.min(1000, stallTimeoutMs / 4, keepAliveTimeoutMs / 4)));
    server.once('close', () => clearInterval(this.#timer));
  }

  /** From now on connections close with their answers, and what waits for a client does not wait longer than that. */
  drain(graceMs: number = drainGraceMs): void {
    this.#isDraining = true;
    this.#graceMs = graceMs;
    this.#checkEvery(Math.min(drainGraceMs, graceMs) / 10);
    for (const { unanswered } of this.#connections.values()) {
      for (const response of unanswered) response.shouldKeepAlive = false;
    }
  }

  #checkEvery(everyMs: number): void {
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#check(performance.now()), everyMs).unref();
  }

  #accept(socket: Socket): void {
    const { maxConnections, maxConnectionsPerAddress } = this.#options.limits;
    const address = socket.remoteAddress ?? '';
    const block = this.#options.isProxy(address) ? undefined : clientBlock(address);
    if (block !== undefined && (this.#ofBlock.get(block) ?? 0) >= maxConnectionsPerAddress) {
      this.#makeRoom(socket, 'address', (idle) => idle.block === block);
    } else if (this.#connections.size >= maxConnections) {
      this.#makeRoom(socket, 'connections', () => true);
    }
    if (socket.destroyed) return;
    const connection: Connection = {
      socket,
      block,
      unanswered: new Set(),
      idleSince: performance.now(),
      progress: undefined,
    };
    this.#connections.set(socket, connection);
    this.#idle.add(connection);
    if (block !== undefined) this.#ofBlock.set(block, (this.#ofBlock.get(block) ?? 0) + 1);
    socket.once('close', () => this.#forget(connection));
  }

  /** A connection that is not in use gives way to a new one, as a server may close it at any time. */
  #makeRoom(socket: Socket, reason: CloseReason, mayGo: (idle: Connection) => boolean): void {
    const victim = this.#idle.values().find(mayGo);
    if (victim === undefined) this.#close(socket, reason);
    else {
      this.#close(victim.socket, reason);
      this.#forget(victim);
    }
  }

  #forget(connection: Connection): void {
    if (!this.#connections.delete(connection.socket)) return;
    this.#idle.delete(connection);
    if (connection.block === undefined) return;
    const left = (this.#ofBlock.get(connection.block) ?? 1) - 1;
    if (left === 0) this.#ofBlock.delete(connection.block);
    else this.#ofBlock.set(connection.block, left);
  }

  #begin({ socket }: IncomingMessage, response: ServerResponse): void {
    if (this.#isDraining) response.shouldKeepAlive = false;
    const connection = this.#connections.get(socket);
    if (connection === undefined) return;
    const { unanswered } = connection;
    unanswered.add(response);
    this.#idle.delete(connection);
    if (unanswered.size > maxPipelined) this.#close(socket, 'pipelined');
    response.once('close', () => {
      unanswered.delete(response);
      if (unanswered.size > 0 || !this.#connections.has(socket)) return;
      connection.idleSince = performance.now();
      connection.progress = undefined;
      this.#idle.add(connection);
    });
  }

  #check(now: number): void {
    const { headersTimeoutMs, keepAliveTimeoutMs } = this.#options.limits;
    // Node.js ends both earlier; not when a client sends empty lines, or a body that nobody waits for.
    const idleMs = this.#isDraining ? this.#graceMs : keepAliveTimeoutMs + headersTimeoutMs;
    for (const { socket, idleSince } of this.#idle) {
      if (now - idleSince < idleMs) break;
      this.#close(socket, 'idle');
    }
    for (const connection of this.#connections.values()) {
      if (connection.unanswered.size > 0 && !connection.socket.destroyed) this.#checkProgress(connection, now);
    }
  }

  #checkProgress(connection: Connection, now: number): void {
    const { socket, progress } = connection;
    const waiting = socket.writableLength;
    if (waiting === 0) {
      connection.progress = undefined;
      return;
    }
    const sent = bytesSent(socket);
    if (progress === undefined || sent - progress.sent >= Math.min(minProgressBytes, progress.waiting)) {
      connection.progress = { at: now, sent, waiting };
      return;
    }
    const stallMs = this.#isDraining ? this.#graceMs : this.#options.limits.stallTimeoutMs;
    if (now - progress.at >= stallMs) this.#close(socket, 'stalled');
  }

  /** What the parser of Node.js does not take. */
  #refuse(error: Error, socket: Socket): void {
    const parserError = parserErrorOf(error);
    if (parserError === undefined || !socket.writable || socket.writableEnded) {
      socket.destroy();
      return;
    }
    const isLate = parserError.code === 'request_timeout';
    this.#options.onClose(isLate ? 'headers' : 'malformed');
    const begun =
      this.#connections
        .get(socket)
        ?.unanswered.values()
        .some(({ headersSent }) => headersSent) ?? false;
    // A client that has sent nothing has asked for nothing; and within an answer there is no room for another one.
    if (begun || socket.bytesRead === 0) socket.destroy();
    else closeAfter(socket, rawProblem(parserError, this.#options.headers));
  }

  #close(socket: Socket, reason: CloseReason): void {
    this.#options.onClose(reason);
    socket.destroy();
  }
}

/** Bytes that the operating system has taken from a socket; its own queue is not seen. */
function bytesSent(socket: Socket): number {
  // What `net.Socket` reads itself to distinguish a slow client from one that is gone (`_onTimeout`).
  // oxlint-disable-next-line no-underscore-dangle
  const handle: unknown = '_handle' in socket ? socket._handle : undefined;
  if (typeof handle !== 'object' || handle === null) return 0;
  const written = 'bytesWritten' in handle ? Number(handle.bytesWritten) : 0;
  const queued = 'writeQueueSize' in handle ? Number(handle.writeQueueSize) : 0;
  return written - queued;
}
