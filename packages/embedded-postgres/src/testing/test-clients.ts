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

  async closeAll(): Promise<void> {
    await Promise.all(this.#clients.splice(0).map((client) => client.end().catch(() => {})));
    await Promise.all(this.#pools.splice(0).map((pool) => pool.end()));
  }
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
