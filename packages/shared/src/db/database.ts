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
  /** A connection unused for this long is closed. Default 10 000. */
  readonly idleTimeoutMs?: number;
  /** A connection is replaced after this long, so that none outlives a change behind a proxy; 0: never. */
  readonly maxLifetimeSeconds?: number;
  /** The server ends a statement that takes longer; 0: no limit. */
  readonly statementTimeoutMs?: number;
  /** TCP keep-alive, so that a peer that vanished is noticed. */
  readonly keepAlive?: boolean;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
  /** Told of connections that broke, idle or in use. They are replaced by the pool. */
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
      // Statements are short, and some have branches that cost much and hardly ever run: compiling them costs more.
      options: '-c jit=off',
      ...options.connection,
      max: options.poolSize,
      connectionTimeoutMillis: options.acquireTimeoutMs,
      idleTimeoutMillis: options.idleTimeoutMs ?? 10_000,
      maxLifetimeSeconds: options.maxLifetimeSeconds ?? 0,
      keepAlive: options.keepAlive ?? false,
      ...(options.statementTimeoutMs ? { statement_timeout: options.statementTimeoutMs } : {}),
      application_name: options.applicationName,
    });
    this.#pool.on('connect', (client) => {
      client.once('error', options.onConnectionError);
      // A connection that ends says so twice, and an error that nobody hears ends the process. The pool itself
      // listens to idle connections alone, not to those in use.
      client.on('error', () => undefined);
    });
    this.#pool.on('error', () => undefined); // What the connection has said already.
    this.queries = new Kysely<Schema>({ dialect: new PostgresDialect({ pool: this.#pool }) });
  }

  /** Does nothing: connections are made when they are needed. */
  async start(): Promise<void> {}

  /** @throws when the database cannot be reached. */
  async ping(): Promise<void> {
    await sql`select 1`.execute(this.queries);
  }

  stop(): Promise<void> {
    this.#stopped ??= this.queries.destroy();
    return this.#stopped;
  }

  async health(): Promise<ComponentHealth> {
    try {
      await this.ping();
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
