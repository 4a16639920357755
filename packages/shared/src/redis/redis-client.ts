import { Redis, type RedisOptions } from 'ioredis';

/** Longest wait for a connection. No call waits for it: see `openProducerClient`. */
const connectTimeoutMs = 5_000;

/** `50 ms * 2^(attempt - 1)`, at most 3 s, of which up to half is taken off at random so that clients spread out. */
function reconnectDelayMs(attempt: number): number {
  const delayMs = Math.min(3_000, 50 * 2 ** Math.min(attempt - 1, 16));
  return Math.round(delayMs * (0.5 + Math.random() / 2));
}

const sharedOptions = {
  // The wire format BullMQ's scripts are tested with; ioredis 6 would choose RESP3.
  protocol: 2,
  connectTimeout: connectTimeoutMs,
  retryStrategy: reconnectDelayMs,
} satisfies RedisOptions;

/** Fails fast: no offline queue, nothing resent; a command is answered or rejected within `timeoutMs`. Reconnects for ever. */
export function openProducerClient(url: string, timeoutMs: number, onError: (error: Error) => void): Redis {
  const client = new Redis(url, {
    ...sharedOptions,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: timeoutMs,
    // A peer that vanished without closing is noticed by its silence.
    socketTimeout: timeoutMs * 2,
  });
  client.on('error', onError);
  return client;
}

/** Waits: commands are kept until Redis is there, as BullMQ demands of workers. Reconnects for ever. */
export function openWorkerClient(url: string): Redis {
  const client = new Redis(url, { ...sharedOptions, maxRetriesPerRequest: null });
  // The worker listens too, and reports; but it does not listen any more once it is closed.
  client.on('error', () => undefined);
  return client;
}
