import { Client, type ClientBase, type ClientConfig } from 'pg';

/** What `pg` has and its types leave out. */
interface Session {
  readonly processID: number | null;
  readonly secretKey: number | null;
}

interface Canceller {
  readonly host: string;
  readonly port: number;
  readonly ssl: unknown;
  readonly sslNegotiation: string;
  readonly connection: {
    readonly stream: { destroy(): void };
    connect(portOrPath: number | string, host?: string): void;
    requestSsl(): void;
    cancel(processId: number, secretKey: number): void;
    on(event: 'error', listener: () => void): void;
    once(event: 'connect' | 'sslconnect' | 'end', listener: () => void): void;
  };
}

/** A server that does not answer to this is not waited for any longer. */
const timeoutMs = 5000;

/**
 * Asks the server to cancel what a session runs, over a connection of its own, which takes no place among those of the
 * pool or of the server and logs nobody in. Resolves when the server has dealt with it, or cannot be reached: then
 * `statement_timeout` ends the statement. Never rejects.
 *
 * Not `pg_cancel_backend`: behind a pooler such as PgBouncer a client does not know the process that serves it.
 *
 * @param isWanted asked before it is sent: by then the statement may have ended
 * @see https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS
 */
export async function sendCancelRequest(
  client: ClientBase,
  config: ClientConfig,
  isWanted: () => boolean,
): Promise<void> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see Session
  const { processID, secretKey } = client as unknown as Session;
  if (processID === null || secretKey === null) return;
  // Never logs in: it knows how to reach the server, by socket, TLS or the stream of an embedded database.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see Canceller
  const { host, port, ssl, sslNegotiation, connection } = new Client(config) as unknown as Canceller;
  const ended = Promise.withResolvers<void>();
  const timer = setTimeout(() => connection.stream.destroy(), timeoutMs);
  const ask = (): void => (isWanted() ? connection.cancel(processID, secretKey) : connection.stream.destroy());
  connection.on('error', () => undefined); // Its end follows.
  connection.once('end', () => ended.resolve());
  connection.once('sslconnect', ask);
  connection.once('connect', () => {
    if (!ssl) ask();
    else if (sslNegotiation !== 'direct') connection.requestSsl();
  });
  if (host.startsWith('/')) connection.connect(`${host}/.s.PGSQL.${port}`);
  else connection.connect(port, host);
  await ended.promise;
  clearTimeout(timer);
}
