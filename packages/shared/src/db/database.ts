import { Kysely, PostgresDialect, sql } from 'kysely';
import { Pool, type PoolConfig } from 'pg';
import type { Component, ComponentHealth } from '../lifecycle/component.ts';
import type { Schema } from './schema.ts';

export interface DatabaseOptions {
  /** How to connect: a URL, or the stream of an embedded database. */
  readonly connection: PoolConfig;
  /** Connections at most. */
  readonly poolSize: number;
  /** How long a caller waits for a free connection. */
  readonly acquireTimeoutMs: number;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
  /** Told of connections that broke while idle. They are replaced by the pool. */
  readonly onConnectionError: (error: Error) => void;
}

/** A pool of connections with the typed query builder over it. */
export class Database implements Component {
  readonly id = 'database';
  readonly queries: Kysely<Schema>;
  readonly #pool: Pool;
  #stopped: Promise<void> | undefined;

  constructor(options: DatabaseOptions) {
    this.#pool = new Pool({
      ...options.connection,
      max: options.poolSize,
      connectionTimeoutMillis: options.acquireTimeoutMs,
      application_name: options.applicationName,
    });
    this.#pool.on('error', options.onConnectionError);
    this.queries = new Kysely<Schema>({ dialect: new PostgresDialect({ pool: this.#pool }) });
  }

  /** @throws when the database cannot be reached. */
  async start(): Promise<void> {
    await sql`select 1`.execute(this.queries);
  }

  stop(): Promise<void> {
    this.#stopped ??= this.queries.destroy();
    return this.#stopped;
  }

  async health(): Promise<ComponentHealth> {
    try {
      await sql`select 1`.execute(this.queries);
      return { status: 'ok' };
    } catch {
      return { status: 'down', detail: 'the database does not answer' };
    }
  }

  /** Connections in the pool: all, idle, and callers that wait for one. */
  poolUse(): { readonly total: number; readonly idle: number; readonly waiting: number } {
    return { total: this.#pool.totalCount, idle: this.#pool.idleCount, waiting: this.#pool.waitingCount };
  }
}
