import pg from 'pg';

import type { EmbeddedPostgres } from '../start-embedded-postgres.ts';

/** Clients and pools of one test file, closed together. */
export class TestClients {
  readonly #engine: EmbeddedPostgres;
  readonly #clients: pg.Client[] = [];
  readonly #pools: pg.Pool[] = [];

  constructor(engine: EmbeddedPostgres) {
    this.#engine = engine;
  }

  /** A connected client. Errors outside of a query are left to the tests that look for them. */
  async client(config: pg.ClientConfig = {}): Promise<pg.Client> {
    const client = new pg.Client({ ...this.#engine.connection, ...config });
    client.on('error', () => {});
    this.#clients.push(client);
    await client.connect();
    return client;
  }

  pool(config: pg.PoolConfig = {}): pg.Pool {
    const pool = new pg.Pool({ ...this.#engine.connection, ...config });
    pool.on('error', () => {});
    this.#pools.push(pool);
    return pool;
  }

  /** Sends a CancelRequest for what the client runs, and waits until it has been dealt with. */
  async cancel(client: pg.Client, key = identityOf(client).secretKey): Promise<void> {
    const request = Buffer.alloc(16);
    [16, 80_877_102, identityOf(client).processID, key].forEach((word, index) => request.writeInt32BE(word, index * 4));
    const stream = this.#engine.connection.stream();
    const closed = new Promise((resolve) => stream.once('close', resolve));
    stream.connect().resume();
    stream.write(request);
    await closed;
  }

  async closeAll(): Promise<void> {
    await Promise.all(this.#clients.splice(0).map((client) => client.end().catch(() => {})));
    await Promise.all(this.#pools.splice(0).map((pool) => pool.end()));
  }
}

/** What a server sends a client to cancel with; the types of `pg` leave it out. */
function identityOf(client: pg.Client): { readonly processID: number; readonly secretKey: number } {
  return client as unknown as { processID: number; secretKey: number };
}

/** The one column of the one row of a query. */
export async function value(
  client: pg.Client | pg.Pool | pg.PoolClient,
  sql: string,
  values: unknown[] = [],
): Promise<unknown> {
  const { rows } = await client.query<unknown[]>({ text: sql, values, rowMode: 'array' });
  return rows[0]?.[0];
}
