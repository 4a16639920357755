import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Cluster, Redis, type ClusterOptions, type RedisOptions } from 'ioredis';
import { invalidConfiguration } from '../config/load-config.ts';
import type { RedisTarget } from './redis-target.ts';

export type RedisClient = Redis | Cluster;

/** Options of one connection, whatever it leads to. */
type NodeOptions = Omit<RedisOptions, 'replyMapping'>;

/** Opens connections to one Redis, be it a server, a master behind sentinels, or a cluster. */
export interface RedisClients {
  /**
   * Fails fast: no offline queue, nothing resent; a command is answered or rejected within `timeoutMs`, or, in a
   * cluster that moves its slots just then, shortly after. Reconnects for ever.
   */
  openProducer(timeoutMs: number, onError: (error: Error) => void): RedisClient;
  /** Waits: commands are kept until Redis is there, as BullMQ demands of workers. Reconnects for ever. */
  openWorker(): RedisClient;
}

/** Longest wait for a connection. No call waits for it: see `openProducer`. */
const connectTimeoutMs = 5_000;

/** Longest silence of a server that owes an answer. BullMQ's workers ask for jobs with waits of up to 10 s. */
const workerSilenceMs = 30_000;

/** `50 ms * 2^(attempt - 1)`, at most 3 s, of which up to half is taken off at random so that clients spread out. */
function reconnectDelayMs(attempt: number): number {
  const delayMs = Math.min(3_000, 50 * 2 ** Math.min(attempt - 1, 16));
  return Math.round(delayMs * (0.5 + Math.random() / 2));
}

/** Said by what was the master before a failover; the next connection leads to the one that is it now. */
const isNoMaster = (error: Error): boolean => error.message.startsWith('READONLY');

/** @throws ConfigError when the file with the certificate authority cannot be read. */
export function createRedisClients(target: RedisTarget): RedisClients {
  const tls = target.tls && { ca: readCertificate(target.tls.caFile) };
  const shared: NodeOptions = {
    // The wire format BullMQ's scripts are tested with; ioredis 6 would choose RESP3.
    protocol: 2,
    connectTimeout: connectTimeoutMs,
    username: target.username,
    password: target.password,
    tls,
  };

  return {
    openProducer(timeoutMs, onError) {
      const options: NodeOptions = {
        ...shared,
        autoResendUnfulfilledCommands: false,
        maxRetriesPerRequest: 0,
        commandTimeout: timeoutMs,
        // A peer that vanished without closing is noticed by its silence.
        socketTimeout: timeoutMs * 2,
      };
      const failFast = { enableOfflineQueue: false, retryDelayOnFailover: 0, retryDelayOnClusterDown: 0 };
      const client = open(target, options, failFast);
      const report = (error: Error): void => onError(withoutCommands(error));
      client.on('error', report);
      if (client instanceof Cluster) {
        // The error of a cluster itself is only that no node is usable; the reasons come node by node.
        client.on('node error', report);
        connectMasters(client);
      }
      return client;
    },

    openWorker() {
      const options: NodeOptions = { ...shared, maxRetriesPerRequest: null, socketTimeout: workerSilenceMs };
      const patient = {
        maxRedirections: Infinity,
        retryDelayOnFailover: 250,
        retryDelayOnMoved: 50,
        // When that check fails, the promise of `connect` is never settled, and BullMQ waits for it for ever.
        enableReadyCheck: false,
      };
      const client = open(target, options, patient);
      // The worker listens too, and reports; but it does not listen any more once it is closed.
      client.on('error', () => undefined);
      return client;
    },
  };
}

/** `patience` is about the client as a whole: its offline queue, and how a cluster's answers are followed. */
function open(target: RedisTarget, options: NodeOptions, patience: ClusterOptions): RedisClient {
  if (target.kind === 'cluster') {
    return new Cluster([...target.nodes], {
      ...patience,
      redisOptions: options,
      clusterRetryStrategy: reconnectDelayMs,
      // Names are resolved when connecting, so that certificates are compared with them and not with addresses.
      dnsLookup: (address, callback) => callback(null, address),
    });
  }
  const { enableOfflineQueue = true } = patience;
  const common = {
    ...options,
    enableOfflineQueue,
    retryStrategy: reconnectDelayMs,
    reconnectOnError: isNoMaster,
    db: target.db,
  };
  if (target.kind === 'single') return new Redis({ ...common, host: target.host, port: target.port });
  return new Redis({
    ...common,
    name: target.masterName,
    sentinels: [...target.sentinels],
    sentinelUsername: target.sentinelUsername,
    sentinelPassword: target.sentinelPassword,
    sentinelTLS: options.tls,
    enableTLSForSentinelMode: options.tls !== undefined,
    sentinelRetryStrategy: reconnectDelayMs,
    sentinelCommandTimeout: connectTimeoutMs,
  });
}

/**
 * Connects to masters as soon as they are known. ioredis does so at the first command, and refuses those that come
 * while it connects, since there is no offline queue; its own check of the cluster's state must not be among those.
 */
function connectMasters(cluster: Cluster): void {
  const connect = (node: Redis): void => {
    const isDue = cluster.status === 'ready' && node.status === 'wait' && node.options.readOnly !== true;
    if (isDue) node.connect().catch(() => undefined);
  };
  cluster.on('ready', () => cluster.nodes('master').forEach(connect));
  // A command may be the reason that the node is known now; that one connects by itself, and is not refused.
  cluster.on('+node', (node: Redis) => setImmediate(connect, node));
}

/** Waits until commands can be sent, but gives up at the first error or after `timeoutMs`; connecting then goes on. */
export async function untilReady(client: RedisClient, timeoutMs: number): Promise<void> {
  const signal = AbortSignal.timeout(timeoutMs);
  const ready = async (one: RedisClient): Promise<unknown> =>
    one.status === 'ready' || once(one, 'ready', { signal }).catch(() => undefined);
  await ready(client);
  if (client instanceof Cluster) await Promise.all(client.nodes('master').map(ready));
}

function readCertificate(caFile: string | undefined): string | undefined {
  if (caFile === undefined) return undefined;
  try {
    return readFileSync(caFile, 'utf8');
  } catch (cause) {
    throw invalidConfiguration(['MEMORY_REDIS_TLS_CA_FILE: cannot be read'], { cause });
  }
}

/**
 * Takes the refused commands off an error of ioredis and of the errors within it: the one of AUTH holds the password.
 * Returns the same error, so that it is clean wherever else it went.
 */
export function withoutCommands(error: Error): Error {
  Reflect.deleteProperty(error, 'command');
  for (const inner of [error.cause, 'lastNodeError' in error ? error.lastNodeError : undefined]) {
    if (inner instanceof Error) withoutCommands(inner);
  }
  return error;
}
