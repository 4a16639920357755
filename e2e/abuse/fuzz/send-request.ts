import { connect } from 'node:net';
import type { FuzzRequest } from './fuzz-request.ts';

export interface FuzzAnswer {
  /** 0 when the connection ended without one, or nothing came in time. */
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
  readonly milliseconds: number;
  readonly isWhole: boolean;
}

const patienceMs = 25_000;

/** Sends a request byte by byte as it is described, and reads its answer; of a stream of events the beginning. */
export function sendRequest(port: number, request: Omit<FuzzRequest, 'operation' | 'hostile'>): Promise<FuzzAnswer> {
  const started = performance.now();
  const socket = connect({ host: '127.0.0.1', port });
  const chunks: Buffer[] = [];
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    chunks.push(chunk);
    // 100 Continue may have come first.
    if (chunks.length <= 2 && /^content-type: text\/event-stream/im.test(chunk.toString('latin1'))) socket.destroy();
  });
  socket.setTimeout(patienceMs, () => socket.destroy());
  socket.write(bytesOf(request));
  // What was announced and not sent is not to come.
  if (request.headers.some(([name]) => name === 'content-length')) socket.end();
  return new Promise((resolve) => {
    socket.once('close', () => {
      const milliseconds = performance.now() - started;
      resolve({ ...parseAnswer(Buffer.concat(chunks), request.method), milliseconds });
    });
  });
}

function bytesOf({ method, target, headers, body }: Omit<FuzzRequest, 'operation' | 'hostile'>): Buffer {
  const has = (name: string): boolean => headers.some(([known]) => known.toLowerCase() === name);
  const isFramed = has('content-length') || has('transfer-encoding');
  const lines = [
    `${method} ${target} HTTP/1.1`,
    ...(has('host') ? [] : ['host: memory-layer']),
    'connection: close',
    ...(body === undefined || isFramed ? [] : [`content-length: ${body.length}`]),
    ...headers.map(([name, value]) => `${name}: ${value}`),
  ];
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`);
  const isChunked = headers.some(([name, value]) => name === 'transfer-encoding' && value === 'chunked');
  if (body === undefined) return isChunked ? Buffer.concat([head, Buffer.from('0\r\n\r\n')]) : head;
  if (!isChunked) return Buffer.concat([head, body]);
  const size = body.length === 0 ? '' : `${body.length.toString(16)}\r\n`;
  const end = body.length === 0 ? '0\r\n\r\n' : '\r\n0\r\n\r\n';
  return Buffer.concat([head, Buffer.from(size), body, Buffer.from(end)]);
}

function parseAnswer(bytes: Buffer, method: string): Omit<FuzzAnswer, 'milliseconds'> {
  const end = bytes.indexOf('\r\n\r\n');
  if (end === -1) return { status: 0, headers: new Map(), body: bytes.toString(), isWhole: false };
  const [first = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1] ?? 0);
  const rest = bytes.subarray(end + 4);
  // 100 Continue comes before the answer.
  if (status === 100) return parseAnswer(rest, method);
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    }),
  );
  if (method === 'HEAD') return { status, headers, body: '', isWhole: true };
  if (headers.get('transfer-encoding') === 'chunked') return { status, headers, ...unchunk(rest) };
  const length = Number(headers.get('content-length') ?? rest.length);
  return { status, headers, body: rest.toString(), isWhole: rest.length === length };
}

function unchunk(bytes: Buffer): { body: string; isWhole: boolean } {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const end = bytes.indexOf('\r\n', at);
    const size = end === -1 ? Number.NaN : Number.parseInt(bytes.subarray(at, end).toString('latin1'), 16);
    if (!(size > 0)) return { body: Buffer.concat(parts).toString(), isWhole: size === 0 };
    parts.push(bytes.subarray(end + 2, end + 2 + size));
    at = end + 4 + size;
  }
}
