import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { besideABusyTenant, besideExpensiveWork, besideStreams, type Attack, type AttackContext } from '../attack.ts';
import { bodyOf, exchange, flood, openConnection, requestBytes, sideBySide, statusOf } from '../connection.ts';

const written = ['200', '202', '207', '429', '503', 'under way at the end'];
const refused = ['400', '413', '422', '429', '503', 'under way at the end'];
const largestBodyBytes = 1_048_576;
const largestBatchBytes = 16_777_216;

const batch = ({ keys }: AttackContext, body: unknown, headers: Readonly<Record<string, string>> = {}): Buffer =>
  requestBytes({ method: 'POST', path: '/v1/messages/batch', key: keys.attacker, headers, body });
const post = ({ keys }: AttackContext, body: unknown, headers: Readonly<Record<string, string>> = {}): Buffer =>
  requestBytes({ method: 'POST', path: '/v1/messages', key: keys.attacker, headers, body });

const message = (n: number, more: object = {}): object => ({
  conversation_id: 'c',
  role: 'user',
  content: `message ${n} of many`,
  ...more,
});

// Of words that differ: of each, an index has to keep one.
const longName = Array.from({ length: 160_000 }, (_, n) => `${n.toString(36)}s`)
  .join(' ')
  .slice(0, 900_000);

/** A batch in which one message has a name of 900 kB for its speaker: the others are stored all the same. */
async function sendLongSpeaker(context: AttackContext): Promise<void> {
  const long = message(1, { metadata: { speaker: longName } });
  const bytes = batch(context, { messages: [message(0), long, message(2)] });
  await sideBySide(4, context, async () => {
    const { outcome, text } = await exchange(context, bytes);
    if (outcome !== '202' && outcome !== '207') return context.count(outcome);
    const { created } = bodyOf(text) as { created: readonly unknown[] };
    context.count(created.length >= 2 ? outcome : 'neighbours of a message refused');
  });
}

const importHead = ({ keys }: AttackContext): string =>
  [
    'POST /v1/messages/import HTTP/1.1',
    'host: memory-layer',
    `x-api-key: ${keys.attacker}`,
    'content-type: application/x-ndjson',
    'transfer-encoding: chunked',
    '\r\n',
  ].join('\r\n');

/** Sends lines for as long as the server takes them. */
async function streamImport(context: AttackContext, lines: string, reads: boolean): Promise<void> {
  const socket = openConnection(context);
  const chunk = `${Buffer.byteLength(lines).toString(16)}\r\n${lines}\r\n`;
  let received = '';
  if (reads) socket.on('data', (data) => (received ||= data.toString('latin1')));
  else socket.pause();
  socket.write(importHead(context));
  while (!socket.destroyed && !context.signal.aborted) {
    if (socket.write(chunk)) await sleep(1);
    else await Promise.race([once(socket, 'drain').catch(() => undefined), once(socket, 'close')]);
  }
  if (received !== '') context.count(statusOf(received));
  else context.count(context.signal.aborted ? 'under way at the end' : 'cut off');
}

function importStreams(reads: boolean): Attack {
  const lines = Array.from({ length: 100 }, (_, n) => `${JSON.stringify(message(n))}\n`).join('');
  return {
    name: `20 import streams whose client ${reads ? 'reads its' : 'never reads the'} outcomes`,
    seconds: 10,
    run: async (context) => {
      await Promise.all(Array.from({ length: 20 }, () => streamImport(context, lines, reads)));
    },
    outcomes: ['200', 'cut off', '429', '503', 'under way at the end'],
    latency: besideStreams,
  };
}

/** Tiny values, tiny values in metadata, nesting, keys, and the same key again and again. */
const hostileBodies: readonly ((bytes: number) => string)[] = [
  (bytes) => `{"messages":[${'0,'.repeat(bytes / 2 - 10)}0]}`,
  (bytes) => `{"messages":[{"metadata":{"a":[${'0,'.repeat(bytes / 2 - 40)}0]}}]}`,
  (bytes) => `{"messages":${'['.repeat(bytes / 2 - 10)}${']'.repeat(bytes / 2 - 10)}}`,
  (bytes) => `{${Array.from({ length: bytes / 16 }, (_, n) => `"k${n}":0`).join()}}`,
  (bytes) => `{${'"a":0,'.repeat(bytes / 6 - 2)}"a":0}`,
];

/** Starts a request of every kind, and goes away at some moment of it. */
async function goAway(context: AttackContext): Promise<void> {
  const { keys } = context;
  const search = { query: 'message of many', top_k: 100, neighbours: 10 };
  const requests = [
    post(context, message(1)),
    post(context, message(2), { prefer: 'wait=10' }),
    batch(context, { messages: Array.from({ length: 100 }, (_, n) => message(n)) }),
    requestBytes({ method: 'POST', path: '/v1/memory/search', key: keys.attacker, body: search }),
    requestBytes({ method: 'GET', path: '/v1/messages?limit=200', key: keys.attacker }),
    requestBytes({ method: 'GET', path: '/v1/events', key: keys.attacker }),
    requestBytes({ method: 'GET', path: '/v1/admin/embeddings/failed', key: keys.attacker }),
  ];
  let turn = 0;
  await sideBySide(20, context, async () => {
    const bytes = requests[turn % requests.length] ?? Buffer.alloc(0);
    // Of every other one, a part of the request itself is never sent.
    const part = turn % 2 === 0 ? bytes : bytes.subarray(0, (turn * 37) % bytes.length);
    const socket = openConnection(context);
    socket.write(part);
    await sleep((turn * 7) % 60);
    socket.destroy();
    turn += 1;
    context.count('left');
  });
}

export const attacks: readonly Attack[] = [
  {
    name: 'a speaker of 900 kB in a batch, 4 side by side',
    seconds: 5,
    run: sendLongSpeaker,
    outcomes: [...written, '422'],
    expected: ['202', '207', '422'],
    latency: besideABusyTenant,
  },
  {
    name: 'a Prefer header of 7900 pairs of quote and backslash, 20 side by side',
    seconds: 5,
    run: (context) => flood(context, 20, [post(context, message(1), { prefer: '"\\'.repeat(7900) })]),
    outcomes: [...written, '400', '431'],
    latency: besideABusyTenant,
  },
  importStreams(false),
  importStreams(true),
  {
    name: 'batches of 200 that wait for a minute, 40 side by side',
    env: { MEMORY_REQUEST_TIMEOUT_SECONDS: '4' },
    seconds: 12,
    run: (context) => {
      const messages = Array.from({ length: 200 }, (_, n) => message(n));
      return flood(context, 40, [batch(context, { messages }, { prefer: 'wait=60' })]);
    },
    outcomes: written,
    expected: ['202', '207'],
    latency: besideExpensiveWork,
  },
  {
    name: 'batches of 1000 messages and 16 MB in all, 4 side by side',
    // Four of them take as long together as their tenant's turns allow, which are half of the time beside a victim.
    seconds: 60,
    run: (context) => {
      const messages = Array.from({ length: 1000 }, (_, n) => message(n, { content: `${n} `.repeat(3200) }));
      return flood(context, 4, [batch(context, { messages })]);
    },
    outcomes: written,
    expected: ['202'],
    latency: besideStreams,
  },
  {
    name: 'a word and 900 000 spaces, 20 side by side',
    seconds: 5,
    run: (context) => flood(context, 20, [post(context, message(1, { content: `x${' '.repeat(900_000)}` }))]),
    outcomes: refused,
    latency: besideABusyTenant,
  },
  {
    name: 'bodies of 16 MiB of every hostile kind, 2 side by side',
    seconds: 6,
    run: (context) => {
      const bodies = hostileBodies.map((bodyOfSize) => Buffer.from(bodyOfSize(largestBatchBytes - 1000)));
      return flood(
        context,
        2,
        bodies.map((body) => batch(context, body)),
      );
    },
    outcomes: [...refused, '207'],
    latency: besideExpensiveWork,
  },
  {
    name: 'bodies of 1 MiB of every hostile kind, 20 side by side',
    seconds: 5,
    run: (context) => {
      const bodies = hostileBodies.map((bodyOfSize) => bodyOfSize(largestBodyBytes - 1000));
      const paths = ['/v1/messages', '/v1/memory/search', '/v1/admin/retention/run', '/v1/admin/embeddings/retry'];
      const { attacker } = context.keys;
      return flood(
        context,
        20,
        paths.flatMap((path) => bodies.map((body) => requestBytes({ method: 'POST', path, key: attacker, body }))),
      );
    },
    outcomes: refused,
    latency: besideExpensiveWork,
  },
  {
    name: 'clients that go away in the middle of everything, 20 side by side',
    seconds: 8,
    run: goAway,
    outcomes: ['left'],
    latency: besideExpensiveWork,
  },
];
