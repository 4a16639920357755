import { connect, type Socket } from 'node:net';

/** A connection that sends what it likes, byte by byte, and receives everything. */
export interface RawClient {
  readonly socket: Socket;
  send(text: string): void;
  /** Sends each part after a pause, until the connection ends. */
  drip(parts: Iterable<string>, everyMs: number): Promise<void>;
  /** What has been received so far. */
  received(): string;
  receivedBytes(): number;
  /** Resolves once so much has been received, or the connection has ended. */
  receive(length: number): Promise<void>;
  /** Everything that was received, once the connection has ended. */
  rest(): Promise<string>;
}

/** @param from an address of this machine; any of 127.0.0.0/8. */
export async function openRaw(url: string, from = '127.0.0.1'): Promise<RawClient> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), localAddress: from });
  const chunks: Buffer[] = [];
  const isEnded = new Promise<void>((resolve) => {
    socket.once('end', resolve);
    socket.once('close', () => resolve());
    socket.on('error', () => resolve());
  });
  let receivedBytes = 0;
  socket.on('data', (chunk) => {
    chunks.push(chunk);
    receivedBytes += chunk.length;
  });
  const received = (): string => Buffer.concat(chunks).toString('latin1');
  await new Promise<void>((resolve) => {
    socket.once('connect', resolve);
    socket.once('close', () => resolve());
  });
  return {
    socket,
    received,
    receivedBytes: () => receivedBytes,
    send: (text) => void socket.write(text),
    async drip(parts, everyMs) {
      for (const part of parts) {
        if (socket.readableEnded || socket.destroyed) return;
        socket.write(part);
        await new Promise((resolve) => void setTimeout(resolve, everyMs));
      }
    },
    async receive(length) {
      const isDone = (): boolean => receivedBytes >= length || socket.destroyed || socket.readableEnded;
      while (!isDone()) await Promise.race([isEnded, new Promise((resolve) => void socket.once('data', resolve))]);
    },
    async rest() {
      await isEnded;
      socket.destroy();
      return received();
    },
  };
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** Reads one whole answer. */
export function readAnswer(text: string): RawAnswer {
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const [first = '', ...fields] = head.split('\r\n');
  const headers = new Headers(
    fields.map((field): [string, string] => [
      field.slice(0, field.indexOf(':')),
      field.slice(field.indexOf(':') + 1).trim(),
    ]),
  );
  return { status: Number(first.split(' ')[1]), headers, body: rest.join('\r\n\r\n') };
}
