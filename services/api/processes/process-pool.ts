import type { Component, ComponentHealth } from '@memory-layer/shared/lifecycle/component';
import type { Logger } from '@memory-layer/shared/observability/logger';
import type { MetricsSnapshot, MetricsSum } from '@memory-layer/shared/observability/metrics-sum';
import type { ApiProcess, StartOrder } from './api-process.ts';
import { ProcessSlot } from './process-slot.ts';

export interface ProcessPoolDeps {
  readonly count: number;
  start(order: StartOrder): ApiProcess;
  readonly metrics: Pick<MetricsSum, 'addEnded' | 'processes' | 'processesEnded'>;
  readonly logger: Logger;
  /** Longest time that a process has to end after it was told to, before it is killed. */
  readonly stopMs: number;
  /** The same for one that was replaced. */
  readonly retireMs: number;
}

/** The processes that share the port of the api: starts them, replaces those that end, restarts them in turn. */
export class ProcessPool implements Component {
  readonly id = 'processes';
  readonly #deps: ProcessPoolDeps;
  readonly #slots: readonly ProcessSlot[];
  /** Those that start or end included. */
  readonly #all = new Set<ApiProcess>();
  #restarting: Promise<void> | undefined;
  #isAskedAgain = false;
  #isStarted = false;
  #stopped: Promise<void> | undefined;

  constructor(deps: ProcessPoolDeps) {
    this.#deps = deps;
    const { logger, retireMs, metrics } = deps;
    this.#slots = Array.from({ length: deps.count }, (_, index) => {
      const number = index + 1;
      return new ProcessSlot(number, {
        start: () => this.#start(number),
        onEnded: (reason) => metrics.processesEnded.inc({ reason }),
        logger,
        retireMs,
      });
    });
    metrics.processes.set({ state: 'wanted' }, deps.count);
  }

  /**
   * The first process alone, the others once it has started: what keeps one from starting is said once, and a model is
   * converted once.
   *
   * @throws StartRefused when one of them ends before it has started.
   */
  async start(): Promise<void> {
    const [first, ...others] = this.#slots;
    await first?.open();
    await Promise.all(others.map((slot) => slot.open()));
    this.#isStarted = true;
  }

  /** Down while a process is missing, or one of them is not ready. */
  async health(): Promise<ComponentHealth> {
    const problem = await this.#problem();
    return problem === undefined ? { status: 'ok' } : { status: 'down', reason: problem };
  }

  async #problem(): Promise<string | undefined> {
    const problems = await Promise.all(
      this.#slots.map(async ({ current }) => {
        if (current === undefined) return this.id;
        return current.problem().catch(() => this.id);
      }),
    );
    const ready = problems.filter((problem) => problem === undefined).length;
    this.#deps.metrics.processes.set({ state: 'ready' }, ready);
    return problems.find((problem) => problem !== undefined);
  }

  /** Asks every process that runs for its metrics. */
  async refresh(): Promise<void> {
    await Promise.all([...this.#all].map((process) => process.refresh()));
  }

  /** What they said last. Those of a process that has ended are in the sum already. */
  running(): MetricsSnapshot[] {
    return [...this.#all].map(({ metrics }) => metrics);
  }

  /** Replaces one process after the other. What is asked meanwhile is done once more afterwards. */
  async restart(): Promise<void> {
    // Those that start have what a restart would give them.
    if (!this.#isStarted) return undefined;
    if (this.#restarting !== undefined) {
      this.#isAskedAgain = true;
      return this.#restarting;
    }
    this.#restarting = this.#restartAll().finally(() => (this.#restarting = undefined));
    return this.#restarting;
  }

  async #restartAll(): Promise<void> {
    const { logger } = this.#deps;
    do {
      this.#isAskedAgain = false;
      logger.info('restarting the processes');
      for (const slot of this.#slots) {
        if (await slot.replace()) continue;
        if (this.#stopped === undefined) logger.error('restart given up: the processes that ran go on');
        return;
      }
      logger.info('restarted the processes');
    } while (this.#isAskedAgain && this.#stopped === undefined);
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /** @throws when a process did not end in order. */
  async #stop(): Promise<void> {
    for (const slot of this.#slots) slot.close();
    for (const process of this.#all) process.kill('SIGTERM');
    const timer = setTimeout(() => {
      for (const process of this.#all) process.kill('SIGKILL');
    }, this.#deps.stopMs);
    const ends = await Promise.all([...this.#all].map(async ({ number, ended }) => ({ number, ...(await ended) })));
    clearTimeout(timer);
    const wrong = ends.find(({ code }) => code !== 0);
    if (wrong !== undefined) throw new Error(`process ${wrong.number} ended with ${wrong.signal ?? wrong.code}`);
  }

  #start(number: number): ApiProcess {
    const listensWhenReady = this.#slots.some(({ current }) => current !== undefined);
    const process = this.#deps.start({ number, listensWhenReady });
    this.#all.add(process);
    void this.#forget(process);
    return process;
  }

  async #forget(process: ApiProcess): Promise<void> {
    await process.ended;
    this.#all.delete(process);
    this.#deps.metrics.addEnded(process.metrics);
  }
}
