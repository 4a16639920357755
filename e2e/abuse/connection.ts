import { connect, type Socket } from 'node:net';
import type { AttackContext } from './attack.ts';

// Attackers come from an address of their own: a limit of connections from one address is theirs, not the victim's.
const attackerAddress = '127.0.0.2';
const maxKeptBytes = 8 * 1024 * 1024;

export interface RequestParts {
  readonly method: string;
  readonly path: string;
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** The bytes of a request, made once and sent often. The answer ends with the connection. */
export function requestBytes({ method, path, key, headers = {}, body }: RequestParts): Buffer {
  const content = body === undefined ? undefined : toBytes(body);
  const lines = [
    `${method} ${path} HTTP/1.1`,
    'host: memory-layer',
    'connection: close',
    ...(key === undefined ? [] : [`x-api-key: ${key}`]),
    ...(content === undefined || 'content-type' in headers ? [] : ['content-type: application/json']),
    ...(content === undefined ? [] : [`content-length: ${content.length}`]),
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), content ?? Buffer.alloc(0)]);
}

function toBytes(body: unknown): Buffer {
  if (Buffer.isBuffer(body)) return body;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}

export function openConnection({ port, signal }: AttackContext): Socket {
  const socket = connect({ host: '127.0.0.1', port, localAddress: attackerAddress });
  // What went wrong is seen when it closes.
  socket.on('error', () => undefined);
  signal.addEventListener('abort', () => socket.destroy(), { once: true });
  return socket;
}

export interface Exchange {
  /** The status; with 5xx, whether there is a Retry-After; or what came in place of a status. */
  readonly outcome: string;
  readonly text: string;
}

/** One request on a connection of its own, its answer read to the end and its first bytes kept. */
export function exchange(context: AttackContext, bytes: Buffer): Promise<Exchange> {
  const socket = openConnection(context);
  const chunks: Buffer[] = [];
  let length = 0;
  socket.on('data', (chunk) => {
    length += chunk.length;
    if (length <= maxKeptBytes) chunks.push(chunk);
  });
  socket.write(bytes);
  return new Promise((resolve) => {
    socket.once('close', () => {
      const text = Buffer.concat(chunks).toString();
      const cutShort = context.signal.aborted ? 'under way at the end' : 'closed without an answer';
      resolve({ outcome: text === '' ? cutShort : statusOf(text), text });
    });
  });
}

/** @param text beginning of an answer, its headers included. */
export function statusOf(text: string): string {
  const [head = ''] = text.split('\r\n\r\n', 1);
  const status = /^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 'no HTTP';
  return status.startsWith('5') && !/^retry-after: \d+\r?$/im.test(head) ? `${status} without Retry-After` : status;
}

/** The JSON of an answer that is not sent in chunks. */
export function bodyOf(text: string): unknown {
  return JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4));
}

/** Runs one task again and again in each of several loops, until the attack is over. */
export async function sideBySide(
  loops: number,
  { signal }: AttackContext,
  task: (loop: number) => Promise<void>,
): Promise<void> {
  await Promise.all(
    Array.from({ length: loops }, async (_, loop) => {
      while (!signal.aborted) await task(loop);
    }),
  );
}

/** Sends the same requests in turn from several connections at a time, and counts how they end. */
export function flood(context: AttackContext, loops: number, requests: readonly Buffer[]): Promise<void> {
  let turn = 0;
  return sideBySide(loops, context, async () => {
    const bytes = requests[turn % requests.length];
    turn += 1;
    if (bytes === undefined) throw new Error('a flood needs requests');
    const { outcome } = await exchange(context, bytes);
    context.count(outcome);
  });
}
