import { AggregatorRegistry, Counter, Gauge, Registry } from 'prom-client';
import type { Metrics } from './metrics.ts';

/** A metric with its values, as the registry of prom-client gives it: plain data. */
interface MetricState {
  readonly name: string;
  readonly type: unknown;
  readonly aggregator: string;
}

/** The metrics of a process as they stand, for another process to add up. */
export type MetricsSnapshot = readonly MetricState[];

/** Processes whose metrics are added up. */
export interface MetricsSource {
  /** Asks them. */
  refresh(): Promise<void>;
  /** What each that runs has said last. */
  running(): readonly MetricsSnapshot[];
}

/**
 * What the processes of one service count together. Each metric says how its values are joined (`aggregator`); without
 * that they are added.
 */
export class MetricsSum {
  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE;
  readonly processes: Gauge<'state'>;
  readonly processesEnded: Counter<'reason'>;
  readonly #own: Registry;
  /** What processes had counted that have ended: a sum that became smaller would be a reset to Prometheus. */
  #ended: readonly MetricsSnapshot[] = [];
  #isMerging = false;

  /** @param own of the process that adds up. */
  constructor({ registry }: Pick<Metrics, 'registry'>) {
    this.#own = registry;
    const registers = [registry];
    this.processes = new Gauge({
      name: 'memory_api_processes',
      help: 'Processes that share the port of the api, by state (wanted, ready).',
      labelNames: ['state'] as const,
      registers,
    });
    this.processesEnded = new Counter({
      name: 'memory_api_processes_ended_total',
      help: 'Processes of the api that ended and were replaced, by reason (failed, restarted).',
      labelNames: ['reason'] as const,
      registers,
    });
    // From nothing to one is no increase to Prometheus: what alerts look at begins at zero.
    for (const reason of ['failed', 'restarted']) this.processesEnded.inc({ reason }, 0);
  }

  /** Keeps what a process had counted until its end. */
  addEnded(snapshot: MetricsSnapshot): void {
    this.#ended = [...this.#ended, snapshot.filter(({ type }) => isCount(type))];
    void this.#merge();
  }

  /** One list in place of many, so that restarts take no memory. */
  async #merge(): Promise<void> {
    if (this.#isMerging) return;
    this.#isMerging = true;
    while (this.#ended.length > 1) {
      const merging = this.#ended;
      const merged = await AggregatorRegistry.aggregate([...merging]).getMetricsAsJSON();
      this.#ended = [merged, ...this.#ended.slice(merging.length)];
    }
    this.#isMerging = false;
  }

  /** Of this process, those that run and those that have ended, in the text format of Prometheus. */
  async metrics(source: MetricsSource): Promise<string> {
    const own = (await this.#own.getMetricsAsJSON()).filter(({ name }) => !name.startsWith('nodejs_')).map(earliest);
    await source.refresh();
    return AggregatorRegistry.aggregate([own, ...this.#ended, ...source.running()]).metrics();
  }
}

// The declaration says numbers; the data has words.
const isCount = (type: unknown): boolean => type === 'counter' || type === 'histogram';

/** The service has run since its first process was started; prom-client would leave that out. */
function earliest(metric: MetricState): MetricState {
  return metric.name === 'process_start_time_seconds' ? { ...metric, aggregator: 'min' } : metric;
}
