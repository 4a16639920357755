import type { ClientBase, ClientConfig, Pool, PoolClient, QueryResult } from 'pg';

/** A connection of a pool, to be given back. */
export interface PooledClient {
  readonly session: ClientBase;
  query(text: string, values: readonly unknown[]): Promise<QueryResult>;
  /** @param destroy it cannot be used any more */
  release(destroy?: boolean): void;
}

export interface ConnectionPool {
  /** How to reach the server. */
  readonly options: ClientConfig;
  /** Leaves the queue when the signal is aborted, and then never settles. */
  connect(signal: AbortSignal | undefined): Promise<PooledClient>;
  end(): Promise<void>;
}

/** A pool whose statements are asked as they come. */
export function createConnectionPool(pool: Pool): ConnectionPool {
  return {
    options: pool.options,
    async connect(signal) {
      const client = await connectUnlessAborted(pool, signal);
      return {
        session: client,
        query: (text, values) => client.query(text, [...values]),
        release: (destroy) => client.release(destroy),
      };
    },
    end: () => pool.end(),
  };
}

/** What `pg` has and its types leave out: callers that wait, in the order of their arrival. */
interface Queue {
  readonly _pendingQueue?: unknown[];
}

/**
 * A connection of the pool. A caller that does not want one any more leaves the queue, and is not answered: the promise never
 * settles after the signal was aborted, and a connection that comes all the same is given back.
 */
export function connectUnlessAborted(pool: Pool, signal: AbortSignal | undefined): Promise<PoolClient> {
  const waiting = pool.waitingCount;
  const connected = pool.connect();
  // With a free connection, there is no time in which the signal could be aborted.
  if (signal === undefined || pool.idleCount > waiting) return connected;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion, no-underscore-dangle -- see Queue
  const queue = (pool as unknown as Queue)._pendingQueue ?? [];
  const place = pool.waitingCount > waiting ? queue.at(-1) : undefined;
  const leave = (): void => {
    const index = queue.indexOf(place);
    if (index >= 0) queue.splice(index, 1);
  };
  signal.addEventListener('abort', leave, { once: true });
  return settleUnlessAborted(connected, signal).finally(() => signal.removeEventListener('abort', leave));
}

async function settleUnlessAborted(connected: Promise<PoolClient>, signal: AbortSignal): Promise<PoolClient> {
  try {
    const client = await connected;
    if (!signal.aborted) return client;
    client.release();
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return Promise.withResolvers<never>().promise;
}
