import { setTimeout as sleep } from 'node:timers/promises';
import type { Metrics } from '../observability/metrics.ts';
import { toJobIdPart } from '../tenant/caller-id.ts';
import type { embeddingQueue } from './catalog.ts';
import type { Producer } from './queue-port.ts';

/**
 * Notifies the embed workers that a tenant has pending messages. No answer waits for it, and it never throws:
 * the sweeper makes up for a notification that is lost.
 */
export interface EmbeddingJobNotifier {
  notify(tenantId: string, generation: number, requestId?: string): void;
}

export interface EmbeddingJobNotifierDeps {
  readonly producer: Pick<Producer<typeof embeddingQueue>, 'add'>;
  readonly metrics: Pick<Metrics, 'jobsEnqueued'>;
  /**
   * Pause after each job of a tenant; notifications of that time become one job. Default 0. The first one is never
   * delayed.
   */
  readonly quietMs?: number;
}

interface Notification {
  readonly tenantId: string;
  readonly generation: number;
  readonly requestId: string | undefined;
}

/**
 * Notifies by enqueueing a job. While a tenant's job is being enqueued, and for `quietMs` after it, further
 * notifications wait and become one: a tenant never has more than two, however many messages arrive.
 */
export function createEmbeddingJobNotifier(deps: EmbeddingJobNotifierDeps): EmbeddingJobNotifier {
  const { producer, metrics, quietMs = 0 } = deps;
  /** Tenants whose job is being enqueued, each with the last notification that came meanwhile. */
  const underWay = new Map<string, Notification | undefined>();

  async function enqueue({ tenantId, generation, requestId }: Notification): Promise<void> {
    const payload = { v: 1, tenantId, generation, ...(requestId === undefined ? {} : { requestId }) } as const;
    try {
      await producer.add('embed-messages', payload, { deduplicationId: `${toJobIdPart(tenantId)}.${generation}` });
      metrics.jobsEnqueued.inc({ outcome: 'enqueued' });
    } catch {
      // The queue is away. The pending rows are committed; the sweeper notifies for them.
      metrics.jobsEnqueued.inc({ outcome: 'failed' });
    }
  }

  async function enqueueAll(first: Notification): Promise<void> {
    for (let notification: Notification | undefined = first; notification !== undefined;) {
      underWay.set(notification.tenantId, undefined);
      // One job of a tenant at a time is the purpose.
      await enqueue(notification);
      if (quietMs > 0) await sleep(quietMs, undefined, { ref: false });
      notification = underWay.get(first.tenantId);
    }
    underWay.delete(first.tenantId);
  }

  return {
    notify(tenantId, generation, requestId) {
      const notification = { tenantId, generation, requestId };
      if (underWay.has(tenantId)) underWay.set(tenantId, notification);
      else void enqueueAll(notification);
    },
  };
}
