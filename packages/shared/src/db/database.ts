import { randomUUID } from 'node:crypto';
import { Kysely, sql } from 'kysely';
import { Pool, type PoolConfig } from 'pg';
import type { Component, ComponentHealth } from '../lifecycle/component.ts';
import { createConnectionPool } from './cancel/connection-pool.ts';
import { createPooledDialect } from './cancel/pooled-dialect.ts';
import { isDiskFull } from '../errors/disk-full.ts';
import { createPreparedPool, genericPlanSettings } from './prepared/prepared-pool.ts';
import type { Schema } from './schema.ts';

export interface DatabaseOptions {
  /** How to connect: a URL, or the stream of an embedded database. */
  readonly connection: PoolConfig;
  /** Connections at most. */
  readonly poolSize: number;
  /** Connections that keep their statements, at most. Default 0: none do, and {@link Database.prepared} is no other. */
  readonly preparedPoolSize?: number;
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
  /** Called with the error of connections that broke, idle or in use. They are replaced by the pool. */
  readonly onConnectionError: (error: Error) => void;
  /** Whether its disk has room, where this process can see it. Asked with each {@link Database.health}. */
  readonly hasRoom?: () => Promise<boolean>;
}

/** Use of a pool: connections, idle ones among them, and callers that wait for one. */
export interface PoolUse {
  readonly total: number;
  readonly idle: number;
  readonly waiting: number;
}

// Statements are short, and some have branches that cost much and hardly ever run: compiling them costs more.
const planning = { jit: 'off' };

/** Pools of connections with the typed query builder over them. */
export class Database implements Component {
  readonly id = 'database';
  readonly queries: Kysely<Schema>;
  /**
   * For statements that are asked very often, and whose text is the same each time: they are prepared, with generic plans. The same as
   * {@link queries} where no connections are set aside for it. Source: PREPARE in PostgreSQL's manual.
   */
  readonly prepared: Kysely<Schema>;
  readonly #pools: readonly Pool[];
  readonly #hasRoom: DatabaseOptions['hasRoom'];
  /** A statement has found no room, and none was found since. */
  #isFull = false;
  #roomProbe: Promise<boolean> | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: DatabaseOptions) {
    const { poolSize, preparedPoolSize = 0 } = options;
    this.#hasRoom = options.hasRoom;
    const onError = (error: unknown): void => {
      if (isDiskFull(error)) this.#isFull = true;
    };
    const pool = openPool(options, poolSize, planning);
    this.queries = new Kysely<Schema>({ dialect: createPooledDialect(createConnectionPool(pool), onError) });
    if (preparedPoolSize === 0) {
      this.#pools = [pool];
      this.prepared = this.queries;
      return;
    }
    const prepared = openPool(options, preparedPoolSize, { ...planning, ...genericPlanSettings });
    this.#pools = [pool, prepared];
    this.prepared = new Kysely<Schema>({ dialect: createPooledDialect(createPreparedPool(prepared), onError) });
  }

  /** Does nothing: connections are made when they are needed. */
  async start(): Promise<void> {}

  /** @throws when the database cannot be reached. */
  async ping(): Promise<void> {
    await sql`select 1`.execute(this.queries);
  }

  stop(): Promise<void> {
    this.#stopped ??= Promise.all([...new Set([this.queries, this.prepared])].map((db) => db.destroy())).then(
      () => undefined,
    );
    return this.#stopped;
  }

  /** Down without room, too: what cannot be stored is better sent to another one, or later. */
  async health(): Promise<ComponentHealth> {
    try {
      await this.ping();
      if (!(await this.#findRoom())) {
        return { status: 'down', reason: 'storage', detail: 'there is no room left on the disk of the database' };
      }
      return { status: 'ok' };
    } catch {
      return { status: 'down', detail: 'the database does not answer' };
    }
  }

  /** Nobody tells when there is room again, so that it is tried as often as health is asked for. */
  async #findRoom(): Promise<boolean> {
    if ((await this.#hasRoom?.()) === false) return false;
    if (!this.#isFull) return true;
    this.#roomProbe ??= hasRoomFor1MiB(this.queries).finally(() => (this.#roomProbe = undefined));
    const hasRoom = await this.#roomProbe;
    if (hasRoom) this.#isFull = false;
    return hasRoom;
  }

  /** Of both pools together. */
  poolUse(): PoolUse {
    const sum = (count: (pool: Pool) => number) => this.#pools.reduce((total, pool) => total + count(pool), 0);
    return {
      total: sum((pool) => pool.totalCount),
      idle: sum((pool) => pool.idleCount),
      waiting: sum((pool) => pool.waitingCount),
    };
  }
}

/** The connection with the settings to begin with, added to those of its address. */
function withSettings(connection: PoolConfig, settings: Readonly<Record<string, string>>): PoolConfig {
  const own = Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`);
  if (connection.connectionString === undefined) return { ...connection, options: own.join(' ') };
  // What the address says would take the place of what is said beside it.
  const url = new URL(connection.connectionString);
  const given = url.searchParams.get('options');
  if (given === null) return { ...connection, options: own.join(' ') };
  url.searchParams.delete('options');
  return { ...connection, connectionString: url.href, options: [given, ...own].join(' ') };
}

function openPool(options: DatabaseOptions, size: number, settings: Readonly<Record<string, string>>): Pool {
  const pool = new Pool({
    ...withSettings(options.connection, settings),
    max: size,
    connectionTimeoutMillis: options.acquireTimeoutMs,
    idleTimeoutMillis: options.idleTimeoutMs ?? 10_000,
    maxLifetimeSeconds: options.maxLifetimeSeconds ?? 0,
    keepAlive: options.keepAlive ?? false,
    ...(options.statementTimeoutMs ? { statement_timeout: options.statementTimeoutMs } : {}),
    application_name: options.applicationName,
  });
  pool.on('connect', (client) => {
    client.once('error', options.onConnectionError);
    // A connection that ends says so twice, and an error without a listener ends the process. The pool itself
    // listens to idle connections alone, not to those in use.
    client.on('error', () => undefined);
  });
  pool.on('error', () => undefined); // What the connection has said already.
  return pool;
}

/** Ends the transaction of a probe that has found room. */
class FoundRoom extends Error {}

/**
 * Whether a table can grow by a megabyte, found out by doing it; nothing stays. Unlogged, since a write-ahead log that
 * cannot grow ends a server, and under a name of its own, since other processes may probe as well.
 */
async function hasRoomFor1MiB(db: Kysely<Schema>): Promise<boolean> {
  const table = sql.id(`room_probe_${randomUUID()}`);
  try {
    await db.transaction().execute(async (probe) => {
      await sql`create unlogged table ${table} (filler text)`.execute(probe);
      await sql`insert into ${table} select repeat('x', 1900) from generate_series(1, 512)`.execute(probe);
      throw new FoundRoom();
    });
  } catch (error) {
    return error instanceof FoundRoom;
  }
  return false;
}
