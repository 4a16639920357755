import type { Database } from '@memory-layer/shared/db/database';
import { isDatabaseUnavailable } from '@memory-layer/shared/db/database-errors';
import type { WalHistory } from './wal-history.ts';
import type { WalPosition, WalProbe } from './wal-probe.repository.ts';

/** What reads come to: the pools of a database. */
export type ReadDatabase = Pick<Database, 'queries' | 'prepared'>;

/** Why a replica is not read from; `unknown` before it was looked at. */
export type LeftOutReason = 'unknown' | 'away' | 'not_a_standby' | 'other_database' | 'lags';

export interface ReplicaState {
  /** Its place in the configuration, from 1: its name in logs and metrics. */
  readonly number: number;
  /** Undefined while it is read from. */
  readonly leftOut: LeftOutReason | undefined;
  /** As far as it is known. */
  readonly lagMs: number | undefined;
}

export interface ReadReplicaOptions {
  readonly number: number;
  readonly probe: WalProbe;
  /** A pool of connections to it. */
  readonly open: () => Database;
  readonly maxLagMs: number;
}

/** A read was given up because its replica went away under it. */
class ReplicaLostError extends Error {
  override readonly name = 'ReplicaLostError';
}

export function isReplicaLost(error: unknown): boolean {
  return error instanceof ReplicaLostError;
}

/** A pool, and the end of what reads from it. */
interface Session {
  readonly database: Database;
  readonly lost: PromiseWithResolvers<never>;
}

/** One standby: whether it may be read from, and its connections, which are new ones whenever it has been away. */
export class ReadReplica {
  readonly #options: ReadReplicaOptions;
  #session: Session | undefined;
  #leftOut: LeftOutReason | undefined = 'unknown';
  #lagMs: number | undefined;

  constructor(options: ReadReplicaOptions) {
    this.#options = options;
  }

  get state(): ReplicaState {
    return { number: this.#options.number, leftOut: this.#leftOut, lagMs: this.#lagMs };
  }

  /** Looks at it and decides whether it is read from. Never rejects. */
  async check(primary: { readonly history: WalHistory; readonly system: string | undefined }): Promise<void> {
    try {
      const found = await this.#options.probe.ask();
      const lagMs = primary.history.lagMs(found.position, performance.now());
      this.#lagMs = found.isStandby ? lagMs : undefined;
      this.#leftOut = this.#judge(found, lagMs, primary.system);
    } catch {
      this.#lagMs = undefined;
      this.#leftOut = 'away';
      this.#hangUp();
    }
  }

  /**
   * Reads from it. What is under way when it goes away is not waited for.
   *
   * @throws what `work` throws, and an error that {@link isReplicaLost} knows.
   */
  async read<Result>(work: (database: ReadDatabase) => Promise<Result>): Promise<Result> {
    const { database, lost } = (this.#session ??= this.#connect());
    return Promise.race([work(database), lost.promise]);
  }

  async stop(): Promise<void> {
    this.#leftOut = 'unknown';
    const session = this.#session;
    this.#session = undefined;
    await Promise.all([this.#options.probe.close(), session?.database.stop()]);
  }

  #judge(found: WalPosition, lagMs: number, system: string | undefined): LeftOutReason | undefined {
    if (!found.isStandby) return 'not_a_standby';
    if (system !== undefined && found.system !== system) return 'other_database';
    return lagMs > this.#options.maxLagMs ? 'lags' : undefined;
  }

  #connect(): Session {
    const session = { database: this.#options.open(), lost: Promise.withResolvers<never>() };
    session.lost.promise.catch(() => undefined);
    return session;
  }

  /** Its connections may hang for as long as TCP has patience: they are left to end by themselves. */
  #hangUp(): void {
    const session = this.#session;
    this.#session = undefined;
    session?.lost.reject(new ReplicaLostError('the read replica went away'));
    void session?.database.stop().catch(() => undefined);
  }
}

// 40001: the standby cancels a read that stands in the way of its replay. Class 42: a column or table that a migration
// has made and that is not there yet. XX: its data or the server itself is broken.
const statesOfReplicas = /^(40001|42...|XX...)$/;

/**
 * Whether a read that failed on a standby is worth trying on the primary: the standby is away, or in a state that the
 * primary cannot be in. A statement that took too long is not: it would take as long there.
 */
export function isReplicaFailure(error: unknown): boolean {
  if (isDatabaseUnavailable(error)) return true;
  return error instanceof Error && 'code' in error && statesOfReplicas.test(String(error.code));
}
