import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { besideExpensiveWork, type Attack, type AttackContext } from '../attack.ts';
import { exchange, flood, openConnection, requestBytes, statusOf } from '../connection.ts';
import { storeMessages } from './store-messages.ts';

const largestAnswerBytes = 16 * 1024 * 1024;
// Its headers, and the sizes of its chunks.
const maxHeadBytes = 65_536;
const stallSeconds = 1;
const readSeconds = 3;
/** An answer that nobody reads keeps those behind it waiting: of one tenant, two are sent at a time. */
const secondsFor = (clients: number) => 6 + clients;
const env = { MEMORY_ANSWER_STALL_SECONDS: String(stallSeconds) };
// Answers of 16 MiB that six or twenty clients do not read; of one tenant, whose searches wait for one another.
const memoryMb = 400;
// What is small enough for the buffers of a connection has been answered.
// Those that wait for them longer than a request may take end with the deadline.
const neverRead = ['cut off', 'answered whole', '429', '503', '504 without Retry-After'];

/** As many messages with as much metadata as is legal. */
async function storeLargeMetadata(context: AttackContext): Promise<void> {
  const metadataBytes = (await isLegal(context, 1_000_000)) ? 1_000_000 : 64_000;
  // As much in all as is needed to fill any answer; a page of large ones repeats them as neighbours.
  const count = metadataBytes === 1_000_000 ? 45 : 400;
  await storeMessages(context, count, (n) => ({
    content: `Invoice ${n} of the garden centre.`,
    metadata: { notes: 'x'.repeat(metadataBytes - 100) },
  }));
}

async function isLegal(context: AttackContext, bytes: number): Promise<boolean> {
  const body = { conversation_id: 'c0', role: 'user', content: 'large', metadata: { notes: 'x'.repeat(bytes) } };
  const path = '/v1/messages';
  const { outcome } = await exchange(context, requestBytes({ method: 'POST', path, key: context.keys.attacker, body }));
  return outcome === '202';
}

const largestSearch = ({ keys }: AttackContext): Buffer =>
  requestBytes({
    method: 'POST',
    path: '/v1/memory/search',
    key: keys.attacker,
    body: { query: 'invoice of the garden centre', mode: 'lexical', top_k: 100, neighbours: 10, candidate_limit: 1000 },
  });
const largestPage = ({ keys }: AttackContext): Buffer =>
  requestBytes({ method: 'GET', path: '/v1/messages?limit=200', key: keys.attacker });

/** Sends a request, reads nothing for as long as a client may stall and longer, and then sees what there is. */
async function neverReading(context: AttackContext, clients: number, bytes: Buffer): Promise<void> {
  const sockets = Array.from({ length: clients }, () => {
    const socket = openConnection(context).pause();
    socket.write(bytes);
    return socket;
  });
  await sleep((secondsFor(clients) - readSeconds) * 1000, undefined, { signal: context.signal }).catch(() => undefined);
  for (const outcome of await Promise.all(sockets.map(whatCame))) context.count(outcome);
}

/** A client that was cut off finds what was on its way and then the end, before the answer is whole. */
function whatCame(socket: Socket): Promise<string> {
  let head = '';
  let tail = '';
  let length = 0;
  socket.on('data', (chunk) => {
    if (!head.includes('\r\n\r\n')) head += chunk.toString('latin1');
    tail = (tail + chunk.toString('latin1', Math.max(0, chunk.length - lastChunk.length))).slice(-lastChunk.length);
    length += chunk.length;
  });
  socket.resume();
  return new Promise((resolve) => {
    const late = setTimeout(() => resolve('still being sent'), 2000);
    socket.once('close', () => {
      clearTimeout(late);
      resolve(outcomeOf(head, tail, length));
    });
  });
}

const lastChunk = '0\r\n\r\n';

function outcomeOf(head: string, tail: string, length: number): string {
  if (head === '') return 'cut off';
  const status = statusOf(head);
  if (status !== '200') return status;
  const announced = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? Number.NaN);
  if (announced > largestAnswerBytes || length > largestAnswerBytes + maxHeadBytes) return 'an answer above 16 MiB';
  const isWhole = Number.isNaN(announced) ? tail === lastChunk : length > announced;
  return isWhole ? 'answered whole' : 'cut off';
}

const searching = (clients: number): Attack => ({
  name: `the largest search answers, never read by ${clients} clients`,
  env,
  seconds: secondsFor(clients),
  prepare: storeLargeMetadata,
  run: (context) => neverReading(context, clients, largestSearch(context)),
  outcomes: neverRead,
  latency: besideExpensiveWork,
  memoryMb,
});

export const attacks: readonly Attack[] = [
  searching(6),
  searching(20),
  {
    name: 'the largest pages of messages, never read by 20 clients',
    env,
    seconds: secondsFor(20),
    prepare: storeLargeMetadata,
    run: (context) => neverReading(context, 20, largestPage(context)),
    outcomes: neverRead,
    latency: besideExpensiveWork,
    memoryMb,
  },
  {
    name: 'the largest answers, read as fast as they come, 20 side by side',
    env,
    seconds: 10,
    prepare: storeLargeMetadata,
    run: (context) => flood(context, 20, [largestSearch(context), largestPage(context)]),
    outcomes: ['200', '429', '503', 'under way at the end'],
    latency: besideExpensiveWork,
    memoryMb,
  },
];
