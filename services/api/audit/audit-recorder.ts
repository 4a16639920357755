import type { AuditEvent } from '@memory-layer/shared/audit/audit-event';
import { Coalescer } from '@memory-layer/shared/batching/coalescer';
import type { Logger } from '@memory-layer/shared/observability/logger';
import type { Metrics } from '@memory-layer/shared/observability/metrics';

/** An event that no transaction carries. */
export type RecordedEvent = AuditEvent & { readonly at: Date };

export interface AuditRecorderDeps {
  readonly append: (events: readonly AuditEvent[]) => Promise<void>;
  readonly logger: Logger;
  readonly metrics: Pick<Metrics, 'auditEventsLost'>;
}

interface Refusals {
  readonly first: RecordedEvent;
  written: number;
  leftOut: number;
}

const windowSeconds = 60;
/** Refusals of one key, or of all callers without one, that are written in full within a window. */
export const maxRefusalsPerWindow = 60;
const maxKeys = 1000;
const maxQueuedEvents = 10_000;
const maxEventsPerStatement = 500;

/**
 * Writes what no transaction carries: refusals and reads. In batches and beside the requests, so that none waits for it;
 * what has not been written when the process dies is lost, and what cannot be written is counted.
 */
export class AuditRecorder {
  readonly #deps: AuditRecorderDeps;
  readonly #writer: Coalescer<RecordedEvent, void>;
  readonly #refusals = new Map<string, Refusals>();
  #windowEnd: NodeJS.Timeout | undefined;

  constructor(deps: AuditRecorderDeps) {
    this.#deps = deps;
    this.#writer = new Coalescer({
      what: 'audit events',
      run: (events) => this.#append(events),
      maxBatchWeight: maxEventsPerStatement,
      maxConcurrent: 1,
      maxQueuedWeight: maxQueuedEvents,
    });
  }

  record(event: RecordedEvent): void {
    // What the statement throws is caught where it runs: this is a full queue, or the end of the process.
    this.#writer.submit(event).catch(() => this.#deps.metrics.auditEventsLost.inc({ reason: 'queue' }));
  }

  /**
   * Records a refusal. Of one key, or of all callers without a known one, the first of a minute are written; how many others
   * there were is said in a row of its own at the end of the minute.
   */
  recordRefusal(event: RecordedEvent): void {
    const key = event.actor?.id ?? '';
    const refusals = this.#refusals.get(key) ?? this.#open(key, event);
    if (refusals.written < maxRefusalsPerWindow) {
      refusals.written += 1;
      this.record(event);
    } else {
      refusals.leftOut += 1;
    }
  }

  /** Writes what waits. */
  async close(): Promise<void> {
    this.#endWindow();
    await this.#writer.close();
  }

  #open(key: string, first: RecordedEvent): Refusals {
    this.#windowEnd ??= setTimeout(() => this.#endWindow(), windowSeconds * 1000).unref();
    // With very many keys at once, those that come last are counted together.
    const isFull = this.#refusals.size >= maxKeys;
    const known = isFull ? this.#refusals.get('') : undefined;
    if (known !== undefined) return known;
    const refusals = {
      first: isFull ? { ...first, tenantId: undefined, actor: undefined } : first,
      written: 0,
      leftOut: 0,
    };
    this.#refusals.set(isFull ? '' : key, refusals);
    return refusals;
  }

  #endWindow(): void {
    clearTimeout(this.#windowEnd);
    this.#windowEnd = undefined;
    const all = [...this.#refusals.values()];
    this.#refusals.clear();
    for (const { first, leftOut } of all) {
      if (leftOut === 0) continue;
      const ofMany = { at: new Date(), requestId: undefined, address: undefined, objectId: undefined };
      this.record({ ...first, ...ofMany, changes: { left_out: leftOut, seconds: windowSeconds } });
    }
  }

  async #append(events: readonly RecordedEvent[]): Promise<readonly void[]> {
    try {
      await this.#deps.append(events);
    } catch (error) {
      this.#deps.metrics.auditEventsLost.inc({ reason: 'database' }, events.length);
      this.#deps.logger.warn({ err: error, lost: events.length }, 'audit events could not be written');
    }
    return events.map(() => undefined);
  }
}
