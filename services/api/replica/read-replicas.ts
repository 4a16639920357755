import type { Component, ComponentHealth } from '@memory-layer/shared/lifecycle/component';
import { createRepeatingTask } from '@memory-layer/shared/lifecycle/repeating-task';
import type { Logger } from '@memory-layer/shared/observability/logger';
import type { Metrics } from '@memory-layer/shared/observability/metrics';
import type { Database } from '@memory-layer/shared/db/database';
import { isReplicaFailure, isReplicaLost, ReadReplica, type ReadDatabase, type ReplicaState } from './read-replica.ts';
import { WalHistory } from './wal-history.ts';
import { WalProbe } from './wal-probe.repository.ts';

export interface ReadReplicasOptions {
  /** What is read when no replica can be. Started and stopped by others. */
  readonly primary: ReadDatabase;
  readonly primaryUrl: string;
  readonly urls: readonly string[];
  readonly maxLagMs: number;
  /** A pool of connections to a replica. */
  readonly open: (url: string) => Database;
  readonly logger: Logger;
  readonly metrics: Pick<Metrics, 'replicaReads' | 'replicaUp' | 'replicaLagSeconds'>;
  /** How often they are looked at; default: a quarter of the lag that is allowed, at most a second. */
  readonly checkMs?: number;
}

const probeTimeoutMs = 2000;
const longestCheckMs = 1000;

/**
 * Standbys of the database, for reads that may be a little behind. They take turns; one that is away or lags is left
 * out until it is well again, and without any the primary is read.
 */
export class ReadReplicas implements Component {
  readonly id = 'read-replicas';
  readonly #options: ReadReplicasOptions;
  readonly #replicas: readonly ReadReplica[];
  readonly #history: WalHistory;
  readonly #primaryProbe: WalProbe;
  readonly #checks: Component;
  #system: string | undefined;
  #turn = 0;

  constructor(options: ReadReplicasOptions) {
    const { urls, maxLagMs, primaryUrl, open, logger, checkMs = Math.min(maxLagMs / 4, longestCheckMs) } = options;
    this.#options = options;
    const probeOf = (url: string) =>
      new WalProbe({ connectionString: url, application_name: 'memory-layer replica check' }, probeTimeoutMs);
    this.#primaryProbe = probeOf(primaryUrl);
    this.#history = new WalHistory(2 * maxLagMs + probeTimeoutMs);
    this.#replicas = urls.map(
      (url, index) => new ReadReplica({ number: index + 1, probe: probeOf(url), open: () => open(url), maxLagMs }),
    );
    this.#checks = createRepeatingTask({
      id: this.id,
      run: () => this.#check(),
      everyMs: checkMs,
      onError: (error) => logger.error({ err: error }, 'read replicas not checked'),
    });
  }

  /** Looks at them for the first time. One that is away does not stop the start. */
  start(): Promise<void> {
    return this.#checks.start();
  }

  async stop(): Promise<void> {
    await this.#checks.stop();
    await Promise.allSettled([this.#primaryProbe.close(), ...this.#replicas.map((replica) => replica.stop())]);
  }

  states(): ReplicaState[] {
    return this.#replicas.map((replica) => replica.state);
  }

  /** Degraded when none can be read from: the primary then does what they are for. */
  async health(): Promise<ComponentHealth> {
    const states = this.states();
    const out = states.filter(({ leftOut }) => leftOut !== undefined);
    if (out.length === 0) return { status: 'ok' };
    const detail = `read replicas left out: ${out.map(({ number, leftOut }) => `${number} (${leftOut})`).join(', ')}`;
    return { status: out.length === states.length ? 'degraded' : 'ok', detail };
  }

  /**
   * Reads, all of it from one database: the next replica, or the primary. Tried once more on the primary when the
   * replica fails, so `work` must only read.
   *
   * @throws what `work` throws.
   */
  async read<Result>(work: (database: ReadDatabase) => Promise<Result>): Promise<Result> {
    const { primary, metrics, logger } = this.#options;
    const replica = this.#next();
    if (replica === undefined) {
      metrics.replicaReads.inc({ source: 'primary' });
      return work(primary);
    }
    try {
      const result = await replica.read(work);
      metrics.replicaReads.inc({ source: 'replica' });
      return result;
    } catch (error) {
      if (!isReplicaLost(error) && !isReplicaFailure(error)) throw error;
      logger.warn({ err: error, replica: replica.state.number }, 'read replica failed: reading from the primary');
      metrics.replicaReads.inc({ source: 'fallback' });
      return work(primary);
    }
  }

  #next(): ReadReplica | undefined {
    const usable = this.#replicas.filter(({ state }) => state.leftOut === undefined);
    this.#turn = (this.#turn + 1) % Math.max(1, usable.length);
    return usable[this.#turn];
  }

  async #check(): Promise<void> {
    await this.#askPrimary();
    const before = this.states();
    const primary = { history: this.#history, system: this.#system };
    await Promise.all(this.#replicas.map((replica) => replica.check(primary)));
    for (const [index, state] of this.states().entries()) this.#report(state, before[index]);
  }

  /** Without an answer the replicas are measured by what is known: nothing new can be written then. */
  async #askPrimary(): Promise<void> {
    const askedAt = performance.now();
    try {
      const { position, system, isStandby } = await this.#primaryProbe.ask();
      if (isStandby) return;
      this.#history.add(position, askedAt);
      this.#system = system;
    } catch {
      // The database's own health says so.
    }
  }

  #report({ number, leftOut, lagMs }: ReplicaState, before: ReplicaState | undefined): void {
    const { metrics, logger } = this.#options;
    const labels = { replica: String(number) };
    metrics.replicaUp.set(labels, leftOut === undefined ? 1 : 0);
    if (lagMs === undefined) metrics.replicaLagSeconds.remove(labels);
    else metrics.replicaLagSeconds.set(labels, lagMs / 1000);
    if (leftOut === before?.leftOut) return;
    const fields = { replica: number, lagMs: lagMs === undefined ? undefined : Math.round(lagMs) };
    if (leftOut === undefined) logger.info(fields, 'read replica in use');
    else logger.warn({ ...fields, reason: leftOut }, 'read replica left out');
  }
}
