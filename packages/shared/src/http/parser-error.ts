import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { errorCatalog, type ErrorCode } from '../errors/error-catalog.ts';
import { commonHeaders } from './common-headers.ts';
import { maxHeaderSize } from './connection-limits.ts';

interface ParserError {
  readonly code: ErrorCode;
  readonly detail: string;
}

/** What an error of the HTTP parser says to its client; undefined when the connection broke. */
export function parserErrorOf(error: Error): ParserError | undefined {
  const code = 'code' in error ? error.code : undefined;
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return { code: 'request_timeout', detail: 'The header of the request did not arrive in time.' };
  }
  if (code === 'HPE_HEADER_OVERFLOW') {
    return isTargetTooLong(error)
      ? { code: 'uri_too_long', detail: 'The request target is too long.' }
      : { code: 'headers_too_large', detail: 'The header fields together are too large.' };
  }
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW') {
    return { code: 'payload_too_large', detail: 'The chunk extensions are too large.' };
  }
  if (typeof code === 'string' && code.startsWith('HPE_')) {
    return { code: 'malformed_request', detail: 'The request is not valid HTTP.' };
  }
  return undefined;
}

const lineFeed = 10;
const methodStart = /^[A-Z]+ /;

/** Whether the header overflowed within its first line. The packet is all that the parser hands on. */
function isTargetTooLong(error: Error): boolean {
  const packet: unknown = 'rawPacket' in error ? error.rawPacket : undefined;
  if (!Buffer.isBuffer(packet)) return false;
  const lineEnd = packet.indexOf(lineFeed);
  return methodStart.test(packet.toString('latin1', 0, 32)) && (lineEnd === -1 || lineEnd >= maxHeaderSize);
}

/**
 * A whole answer, for a socket that no request of Node.js stands for. It ends the connection.
 *
 * @param headers of every answer of its server, besides the common ones.
 */
export function rawProblem({ code, detail }: ParserError, headers: Readonly<Record<string, string>> = {}): string {
  const { status, title } = errorCatalog[code];
  const requestId = randomUUID();
  const type = `urn:memory-layer:error:${code}`;
  const body = JSON.stringify({ type, title, status, detail, instance: '/', code, requestId });
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? title}`,
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    ...Object.entries({ ...headers, ...commonHeaders }).map(([name, value]) => `${name}: ${value}`),
    `x-request-id: ${requestId}`,
    'connection: close',
    '',
    body,
  ].join('\r\n');
}

// A client that goes on sending is let read the answer: closed at once, the connection would be reset.
const lingerMs = 500;

/** Ends a connection with a last answer. */
export function closeAfter(socket: Socket, answer: string): void {
  socket.on('error', () => undefined);
  socket.end(answer);
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), lingerMs).unref();
  socket.once('close', () => clearTimeout(timer));
}
