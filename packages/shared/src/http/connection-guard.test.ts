import { createServer } from 'node:http';
import { Duplex } from 'node:stream';
import { expect, onTestFinished, test } from 'vitest';
import { ConnectionGuard } from './connection-guard.ts';
import { defaultConnectionLimits } from './connection-limits.ts';

/**
 * A connection whose client takes some bytes every 10 ms. Between real sockets of one machine the system takes hundreds
 * of kilobytes at a time, however slowly the client reads.
 */
class SlowConnection extends Duplex {
  readonly remoteAddress = '127.0.0.1';
  /** What the guard and Node.js use of a socket's handle. */
  readonly _handle = { bytesWritten: 0, writeQueueSize: 0, readStart: () => 0, readStop: () => 0 };
  readonly #bytesPerRead: number;

  constructor(bytesPerRead: number) {
    super();
    this.#bytesPerRead = bytesPerRead;
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    let left = chunk.length;
    const reading = setInterval(() => {
      // oxlint-disable-next-line no-underscore-dangle -- as in net.Socket
      this._handle.bytesWritten += Math.min(left, this.#bytesPerRead);
      left -= this.#bytesPerRead;
      if (left > 0 && !this.destroyed) return;
      clearInterval(reading);
      done();
    }, 10);
  }

  override _final(done: () => void): void {
    this.push(null); // The client closes when the server has.
    done();
  }
}

/** @returns the reasons for which the guard closed the connection, by the time that it has ended */
async function answerSlowly(bytesPerRead: number, answerBytes: number): Promise<string[]> {
  const closed: string[] = [];
  const server = createServer((_request, response) => void response.end('x'.repeat(answerBytes)));
  const limits = { ...defaultConnectionLimits, stallTimeoutMs: 400 };
  // oxlint-disable-next-line no-new -- it listens to the server
  new ConnectionGuard(server, { limits, isProxy: () => false, onClose: (reason) => void closed.push(reason) });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const connection = new SlowConnection(bytesPerRead);
  const ended = new Promise<void>((resolve) => void connection.once('close', resolve));
  server.emit('connection', connection);
  connection.push('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
  await ended;
  return closed;
}

test('a client that reads 1 KiB at a time, less than 64 KiB within the stall limit, is cut off', async () => {
  expect(await answerSlowly(1024, 262_144)).toEqual(['stalled']);
});

test('a client that reads more than 64 KiB within the stall limit gets its answer', async () => {
  expect(await answerSlowly(16_384, 2_097_152)).toEqual([]);
});
