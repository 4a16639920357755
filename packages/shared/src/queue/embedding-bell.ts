import { setTimeout as sleep } from 'node:timers/promises';
import type { Metrics } from '../observability/metrics.ts';
import type { embeddingQueue } from './catalog.ts';
import type { Producer } from './queue-port.ts';

/**
 * Tells the embed workers that a tenant has pending messages. Never waited for by an answer, never throws:
 * what is not heard is picked up by the sweeper.
 */
export interface EmbeddingBell {
  ring(tenantId: string, generation: number, requestId?: string): void;
}

export interface EmbeddingBellDeps {
  readonly producer: Pick<Producer<typeof embeddingQueue>, 'add'>;
  readonly metrics: Pick<Metrics, 'bells'>;
  /** Pause after each add for a tenant; rings of that time become one. Default 0. A first ring is never delayed. */
  readonly quietMs?: number;
}

interface Ring {
  readonly tenantId: string;
  readonly generation: number;
  readonly requestId: string | undefined;
}

/**
 * Rings by adding a job. While one add for a tenant is on its way, and for `quietMs` after it, further rings wait and
 * become one: so there are never more than two adds a tenant, however many messages arrive.
 */
export function createEmbeddingBell({ producer, metrics, quietMs = 0 }: EmbeddingBellDeps): EmbeddingBell {
  /** Tenants being told, each with the ring that came meanwhile. */
  const underWay = new Map<string, Ring | undefined>();

  async function tell({ tenantId, generation, requestId }: Ring): Promise<void> {
    const payload = { v: 1, tenantId, generation, ...(requestId === undefined ? {} : { requestId }) } as const;
    try {
      await producer.add('embed-messages', payload, { deduplicationId: `${tenantId}.${generation}` });
      metrics.bells.inc({ outcome: 'rung' });
    } catch {
      // The queue is away. The pending rows are committed; the sweeper rings for them.
      metrics.bells.inc({ outcome: 'failed' });
    }
  }

  async function tellAll(first: Ring): Promise<void> {
    for (let ring: Ring | undefined = first; ring !== undefined;) {
      underWay.set(ring.tenantId, undefined);
      // One add a tenant at a time is the purpose.
      await tell(ring);
      if (quietMs > 0) await sleep(quietMs, undefined, { ref: false });
      ring = underWay.get(first.tenantId);
    }
    underWay.delete(first.tenantId);
  }

  return {
    ring(tenantId, generation, requestId) {
      const ring = { tenantId, generation, requestId };
      if (underWay.has(tenantId)) underWay.set(tenantId, ring);
      else void tellAll(ring);
    },
  };
}
