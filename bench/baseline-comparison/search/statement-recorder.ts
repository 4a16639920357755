import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { StatementReader, type SentStatement } from './wire-statements.ts';

export interface StatementRecorder extends AsyncDisposable {
  /** The database's own URL, by way of the recorder. */
  readonly url: string;
  /** What was sent while `work` was done, over all connections, in order. */
  record(work: () => Promise<unknown>): Promise<readonly SentStatement[]>;
}

// What the api asks without a search: whether the database is there.
const isBackground = ({ text }: SentStatement): boolean => text === 'select 1' || text.includes('embedding_pending');

/** Stands between a service and its database and notes the statements, so that a baseline can send the same ones. */
export async function startStatementRecorder(databaseUrl: string): Promise<StatementRecorder> {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let recorded: SentStatement[] | undefined;
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    const reader = new StatementReader((statement) => {
      if (!isBackground(statement)) recorded?.push(statement);
    });
    for (const socket of [client, upstream]) {
      sockets.add(socket.setNoDelay(true));
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    }
    client.on('data', (bytes: Buffer) => reader.read(bytes));
    client.pipe(upstream).pipe(client);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP port to be had');
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String(address.port);
  return {
    url: url.href,
    async record(work) {
      recorded = [];
      await work();
      const statements = recorded;
      recorded = undefined;
      return statements;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
