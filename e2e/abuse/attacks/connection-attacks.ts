import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { besideABusyTenant, type Attack, type AttackContext } from '../attack.ts';
import { openConnection, statusOf } from '../connection.ts';

// Headers are complete within 10 seconds, and connections are looked at every so often.
const headersSeconds = 10;
const seconds = headersSeconds + 6;
const gone = ['closed', '408', 'refused'];

const halfRequestLine = 'GET /v1/mess';
const neverComplete = 'GET /livez HTTP/1.1\r\nhost: memory-layer\r\nx-drip: ';

interface Held {
  readonly socket: Socket;
  received: string;
  isOpen: boolean;
  wasAccepted: boolean;
}

/** Opens connections, a hundred at a time, and counts what has become of them when all of them should be gone. */
async function hold(context: AttackContext, connections: number, begin: (held: Held) => void): Promise<void> {
  const all: Held[] = [];
  while (all.length < connections && !context.signal.aborted) {
    all.push(...Array.from({ length: 100 }, () => open(context, begin)));
    await sleep(20);
  }
  await sleep((headersSeconds + 4) * 1000, undefined, { signal: context.signal }).catch(() => undefined);
  for (const held of all) context.count(outcomeOf(held));
}

function open(context: AttackContext, begin: (held: Held) => void): Held {
  const held: Held = { socket: openConnection(context), received: '', isOpen: true, wasAccepted: false };
  held.socket.on('connect', () => {
    held.wasAccepted = true;
    begin(held);
  });
  held.socket.on('data', (chunk) => (held.received += chunk.toString('latin1')));
  held.socket.on('close', () => (held.isOpen = false));
  return held;
}

function outcomeOf({ isOpen, received, wasAccepted }: Held): string {
  if (isOpen) return 'still open';
  if (received !== '') return statusOf(received);
  return wasAccepted ? 'closed' : 'refused';
}

/** A byte a second, of a header that never ends. */
function drip({ socket }: Held): void {
  socket.write(neverComplete);
  const timer = setInterval(() => socket.write('x'), 1000);
  socket.once('close', () => clearInterval(timer));
}

const silent = (): void => undefined;
const beginRequestLine = ({ socket }: Held): void => void socket.write(halfRequestLine);

export const attacks: readonly Attack[] = [
  {
    name: '2000 connections that send nothing, 500 with half a request line, 200 with a byte of a header a second',
    seconds,
    run: async (context) => {
      await Promise.all([hold(context, 2000, silent), hold(context, 500, beginRequestLine), hold(context, 200, drip)]);
    },
    outcomes: gone,
    latency: besideABusyTenant,
  },
];
