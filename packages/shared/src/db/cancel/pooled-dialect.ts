import { setTimeout as sleep } from 'node:timers/promises';
import {
  AbortedTransactionError,
  CompiledQuery,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type AbortableOperationOptions,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type Kysely,
  type QueryResult,
  type TransactionSettings,
} from 'kysely';
import type { ClientConfig, QueryResult as ServerResult } from 'pg';
import { AppError } from '../../errors/app-error.ts';
import { sendCancelRequest } from './cancel-request.ts';
import type { ConnectionPool, PooledClient } from './connection-pool.ts';

/**
 * Kysely's dialect of PostgreSQL over a pool, with statements that an aborted signal cancels in the database.
 *
 * Kysely's own driver asks another connection for `pg_cancel_backend`: a new one with a login of its own or, for a pool
 * that is wrapped, one of the pool, and so waits where the pool is exhausted; and it says on the console that the
 * statement failed.
 *
 * @param onError called with the error of each statement that fails
 */
export function createPooledDialect(
  pool: ConnectionPool,
  onError: (error: unknown) => void = () => undefined,
): Dialect {
  return {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new PooledDriver(pool, onError),
    createQueryCompiler: () => new PostgresQueryCompiler(),
    createIntrospector: (db: Kysely<unknown>) => new PostgresIntrospector(db),
  };
}

class PooledDriver implements Driver {
  readonly #pool: ConnectionPool;
  readonly #onError: (error: unknown) => void;

  constructor(pool: ConnectionPool, onError: (error: unknown) => void) {
    this.#pool = pool;
    this.#onError = onError;
  }

  async init(): Promise<void> {}

  async acquireConnection(options?: AbortableOperationOptions): Promise<PooledConnection> {
    return new PooledConnection(await this.#pool.connect(options?.signal), this.#pool.options, this.#onError);
  }

  async beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    const { isolationLevel, accessMode } = settings;
    const level = isolationLevel === undefined ? '' : ` isolation level ${isolationLevel}`;
    const mode = accessMode === undefined ? '' : ` ${accessMode}`;
    await connection.executeQuery(CompiledQuery.raw(`begin${level}${mode}`));
  }

  /** @throws AbortedTransactionError when PostgreSQL has rolled back instead, after an error that nobody minded. */
  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    const { rows } = await connection.executeQuery<{ command: string }>(CompiledQuery.raw('commit'));
    if (rows[0]?.command === 'ROLLBACK') throw new AbortedTransactionError();
  }

  async rollbackTransaction(connection: PooledConnection): Promise<void> {
    try {
      await connection.executeQuery(CompiledQuery.raw('rollback'));
    } catch (error) {
      connection.discard();
      throw error;
    }
  }

  async releaseConnection(connection: PooledConnection): Promise<void> {
    connection.release();
  }

  async destroy(): Promise<void> {
    await this.#pool.end();
  }
}

const cancelAgainAfterMs = 500;

const commandsThatChange = new Set(['INSERT', 'UPDATE', 'DELETE', 'MERGE']);

/** What one caller does with a connection of the pool. */
class PooledConnection implements DatabaseConnection {
  readonly #client: PooledClient;
  readonly #options: ClientConfig;
  readonly #onError: (error: unknown) => void;
  /** The one that runs; aborted when it has ended. */
  #statement: AbortController | undefined;
  #cancelling: Promise<void> | undefined;
  #isDiscarded = false;

  constructor(client: PooledClient, options: ClientConfig, onError: (error: unknown) => void) {
    this.#client = client;
    this.#options = options;
    this.#onError = onError;
  }

  async executeQuery<Row>(query: CompiledQuery, options?: AbortableOperationOptions): Promise<QueryResult<Row>> {
    // A request to cancel names the session, not the statement: it must not find the next one.
    if (this.#cancelling !== undefined) await this.#cancelling;
    const statement = new AbortController();
    this.#statement = statement;
    try {
      return toQueryResult(await this.#client.query(query.sql, query.parameters));
    } catch (error) {
      this.#onError(error);
      const signal = options?.signal;
      // The caller has gone with the signal's reason. Kysely would print this one.
      if (signal?.aborted === true) return { rows: [] };
      throw signal !== undefined && isQueryCanceled(error) ? tookTooLong(error) : error;
    } finally {
      statement.abort();
    }
  }

  // oxlint-disable-next-line require-yield -- there are no cursors here
  async *streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    throw new Error('rows are not streamed');
  }

  /** Kysely waits for this, and for the statement, before it gives the connection back. */
  cancelQuery(): Promise<void> {
    const ended = this.#cancelUntilEnded();
    this.#cancelling = ended;
    return ended;
  }

  /** PostgreSQL ignores a request that comes while it takes in a message: a statement that goes on has missed it. */
  async #cancelUntilEnded(): Promise<void> {
    const signal = this.#statement?.signal;
    const isRunning = (): boolean => signal?.aborted === false;
    while (isRunning()) {
      await sendCancelRequest(this.#client.session, this.#options, isRunning);
      await sleep(cancelAgainAfterMs, undefined, { signal }).catch(() => undefined);
    }
  }

  discard(): void {
    this.#isDiscarded = true;
  }

  release(): void {
    this.#client.release(this.#isDiscarded);
  }
}

/** As Kysely's own driver makes it. */
function toQueryResult<Row>({ command, rowCount, rows }: ServerResult): QueryResult<Row> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the type of a row is what the caller says
  if (command === 'ROLLBACK' || command === 'COMMIT') return { rows: [{ command }] as Row[] };
  // Statements of several commands have a list of results.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
  const known = (rows ?? []) as Row[];
  return commandsThatChange.has(command) ? { numAffectedRows: BigInt(rowCount ?? 0), rows: known } : { rows: known };
}

/** SQLSTATE query_canceled: by request or, when nobody has asked for it, by `statement_timeout`. */
export function isQueryCanceled(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '57014';
}

function tookTooLong(cause: unknown): AppError {
  return new AppError('deadline_exceeded', 'the statement took longer than the database allows', { cause });
}
