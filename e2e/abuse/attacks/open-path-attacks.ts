import { besideABusyTenant, type Attack, type AttackContext } from '../attack.ts';
import { exchange, flood, openConnection, requestBytes, statusOf } from '../connection.ts';

// A client behind a proxy that is believed: loopback itself is not limited, so that probes always get through.
const behindProxy = { MEMORY_TRUSTED_PROXIES: '127.0.0.2/32' };
const headers = { 'x-forwarded-for': '203.0.113.7' };
const openPaths = [
  '/livez',
  '/readyz',
  '/v1/admin/health',
  '/v1/admin/readiness',
  '/openapi.json',
  '/docs',
  '/nothing',
];

/** Opens streams of events that stay open. @returns the status of each. */
function openStreams(context: AttackContext, streams: number, request: (n: number) => Buffer): Promise<string[]> {
  return Promise.all(
    Array.from({ length: streams }, async (_, n) => {
      const socket = openConnection(context);
      socket.write(request(n));
      return new Promise<string>((resolve) => {
        socket.once('data', (chunk) => resolve(statusOf(chunk.toString('latin1'))));
        socket.once('close', () => resolve('closed without an answer'));
      });
    }),
  );
}

const stream = (key: string, path = '/v1/events', method = 'GET'): Buffer => requestBytes({ method, path, key });

/** The victim opens a stream of its own beside those of the attacker. */
async function victimStream(context: AttackContext): Promise<void> {
  const [status] = await openStreams(context, 1, () => stream(context.keys.victim));
  context.count(`victim: ${status}`);
}

export const attacks: readonly Attack[] = [
  {
    name: 'open paths without a key, 20 side by side, at 600 requests a minute',
    env: { ...behindProxy, MEMORY_GLOBAL_RATE_LIMIT: '600/minute' },
    seconds: 6,
    run: (context) =>
      flood(
        context,
        20,
        openPaths.map((path) => requestBytes({ method: 'GET', path, headers })),
      ),
    outcomes: ['200', '401', '404', '429', 'under way at the end'],
    expected: ['429'],
    latency: besideABusyTenant,
  },
  {
    name: '150 HEAD requests for events hold no place of a stream',
    seconds: 5,
    run: async (context) => {
      const head = stream(context.keys.attacker, '/v1/events', 'HEAD');
      const answers = await Promise.all(Array.from({ length: 150 }, () => exchange(context, head)));
      for (const { outcome } of answers) context.count(`HEAD: ${outcome}`);
      const [after] = await openStreams(context, 1, () => stream(context.keys.attacker));
      context.count(`GET: ${after}`);
    },
    outcomes: ['HEAD: 200', 'HEAD: 405', 'GET: 200'],
    expected: ['GET: 200'],
    latency: besideABusyTenant,
  },
  {
    name: 'one key opens as many streams of events as it gets, for tenants without end',
    env: {
      MEMORY_EVENTS_MAX_STREAMS: '100',
      MEMORY_EVENTS_MAX_STREAMS_PER_KEY: '50',
      MEMORY_EVENTS_MAX_STREAMS_PER_TENANT: '10',
    },
    seconds: 5,
    run: async (context) => {
      const { unbound } = context.keys;
      const opened = await openStreams(context, 150, (n) => stream(unbound, `/v1/events?tenant_id=t${n}`));
      for (const status of opened) context.count(status);
      await victimStream(context);
    },
    outcomes: ['200', '429', 'victim: 200'],
    expected: ['victim: 200'],
    latency: besideABusyTenant,
  },
];
