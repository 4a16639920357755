import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A server's bad days, for tests: every connection goes through here. */
export interface TcpProxy {
  /** The upstream's URL with this proxy's host and port. */
  readonly url: string;
  /** The server is gone: open connections break, new ones are refused. */
  cut(): Promise<void>;
  /** The server hangs: connections open, and nothing is answered. */
  stall(): void;
  /** The server is back. */
  restore(): Promise<void>;
  close(): Promise<void>;
}

export async function startTcpProxy(upstreamUrl: string): Promise<TcpProxy> {
  const upstream = new URL(upstreamUrl);
  const sockets = new Set<Socket>();
  let stalled = false;

  const server = createServer((downstream) => {
    const target = connect(Number(upstream.port), upstream.hostname);
    for (const socket of [downstream, target]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        downstream.destroy();
        target.destroy();
      });
    }
    downstream.pipe(target).pipe(downstream);
    if (stalled) for (const socket of [downstream, target]) socket.pause();
  });
  await listen(0);
  const { port } = server.address() as AddressInfo; // An address with a port, since it listens on TCP.
  const url = new URL(upstreamUrl);
  url.hostname = '127.0.0.1';
  url.port = String(port);

  async function listen(onPort: number): Promise<void> {
    server.listen(onPort, '127.0.0.1');
    await once(server, 'listening');
  }

  async function cut(): Promise<void> {
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  }

  return {
    url: url.href,
    cut,
    stall() {
      stalled = true;
      for (const socket of sockets) socket.pause();
    },
    async restore() {
      stalled = false;
      for (const socket of sockets) socket.resume();
      if (!server.listening) await listen(port);
    },
    async close() {
      if (server.listening) await cut();
    },
  };
}
