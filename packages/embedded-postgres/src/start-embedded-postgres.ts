import { randomInt } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';

import { EngineThread } from './client/engine-thread.ts';
import type { EngineStream } from './client/engine-stream.ts';
import type { StartStep } from './engine/open-cluster.ts';
import { lockFolder } from './lock/lock-folder.ts';
import { engineUser } from './session/session-settings.ts';

export interface EmbeddedPostgresOptions {
  /** Folder of the data; undefined keeps everything in memory (tests). */
  readonly dataDir?: string;
  /** Tarball (from `dump()`) to start a new folder or memory instance from; ignored when dataDir holds a database. */
  readonly template?: Uint8Array;
  /** A transaction that stays idle this long while others wait is ended. Default 30 000. */
  readonly idleInTransactionTimeoutMs?: number;
  /** Settings as in `postgres -c name=value`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Called with each step of the start. The first one of a folder takes some ten seconds. */
  readonly onStep?: (step: StartStep) => void;
}

/** Options for `new pg.Pool({ ...connection })` and `new pg.Client({ ...connection })`. */
export interface EmbeddedConnection {
  /** Takes the place of the socket: nothing listens on a port. */
  readonly stream: () => EngineStream;
  readonly user: string;
  readonly database: string;
  /** A placeholder, so that PGHOST is not consulted. */
  readonly host: string;
  /** Off, so that PGSSLMODE is not consulted. */
  readonly ssl: false;
}

export interface EmbeddedPostgres {
  readonly connection: EmbeddedConnection;
  /** Tarball of the data folder, for `template`. Waits until no transaction is open. */
  dump(): Promise<Uint8Array>;
  /** Cuts clients off, writes a checkpoint, ends the engine and its thread, and gives the folder back. Idempotent. */
  stop(): Promise<void>;
  /**
   * Rejects when the engine ends without having been stopped, so that main can stop the process; never resolves.
   * Clients are cut off by then. Leaving it without a handler is harmless.
   */
  readonly failed: Promise<never>;
}

const defaultIdleInTransactionTimeoutMs = 30_000;

/**
 * Starts PostgreSQL with pgvector in a thread of this process, on a folder that it locks, or in memory.
 *
 * Transactions of all clients run one after the other. Differences from a server, beyond speed: `statement_timeout`
 * counts the time in which a statement waits for the engine, and `SET LOCAL` does not change it; session-level advisory locks exclude nobody (`pg_advisory_xact_lock` is safe, since
 * transactions are serial); temporary tables and SQL's PREPARE are shared by all clients; COPY FROM STDIN,
 * DISCARD ALL and DEALLOCATE ALL are refused; any user name is let in, with the rights of that role.
 * @throws Error when another process has the folder, or with the engine's log when the engine does not start
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions = {}): Promise<EmbeddedPostgres> {
  const { dataDir, template, settings = {} } = options;
  // V8 ends the process now and then when it frees code of one engine while it compiles another one
  // (https://github.com/nodejs/node/issues/64500): so it frees none.
  setFlagsFromString('--no-wasm-code-gc');
  const lock = dataDir === undefined ? undefined : lockFolder(dataDir);
  const data = {
    dataDir,
    template,
    settings,
    cancelKey: randomInt(2 ** 31),
    idleInTransactionTimeoutMs: options.idleInTransactionTimeoutMs ?? defaultIdleInTransactionTimeoutMs,
  };
  const thread = new EngineThread(data, options.onStep ?? (() => undefined));
  try {
    await thread.ready;
  } catch (error) {
    lock?.release();
    throw error;
  }
  const stop = async (): Promise<void> => {
    try {
      await thread.stop();
    } finally {
      lock?.release();
    }
  };
  return {
    connection: {
      stream: () => thread.stream(),
      user: engineUser,
      database: engineUser,
      host: 'embedded',
      ssl: false,
    },
    dump: () => thread.dump(),
    stop,
    failed: thread.failed,
  };
}
