import type { Metrics } from '@memory-layer/shared/observability/metrics';
import { BodyMemory, type BodyMemoryLimits } from './body-memory.ts';
import { TenantConcurrencyLimiter, type ConcurrencyLimits } from './tenant-concurrency-limiter.ts';
import { unreadAnswerLimits, UnreadAnswers, type UnreadAnswerLimits } from './unread-answers.ts';

export interface ShareLimits {
  readonly reads: ConcurrencyLimits;
  readonly bodyMemory: BodyMemoryLimits;
  readonly unreadAnswers?: UnreadAnswerLimits;
}

/** What one tenant and one key may have of this process at a time. */
export function createShares(limits: ShareLimits, metrics: Metrics) {
  metrics.readsWaiting.set(0);
  metrics.bodyBytes.set(0);
  metrics.unreadAnswerBytes.set(0);
  const slots = new TenantConcurrencyLimiter(limits.reads, {
    waiting: (requests) => metrics.readsWaiting.set(requests),
    refused: (reason) => metrics.readsRefused.inc({ reason }),
  });
  return {
    readLimiter: {
      acquire: (tenantId: string, units: number, signal: () => AbortSignal) => slots.acquire(tenantId, units, signal),
      hasOthers: (tenantId: string) => slots.hasOthers(tenantId),
      unread: new UnreadAnswers(limits.unreadAnswers ?? unreadAnswerLimits, {
        held: (bytes) => metrics.unreadAnswerBytes.set(bytes),
        refused: (reason) => metrics.readsRefused.inc({ reason }),
      }),
    },
    bodyMemory: new BodyMemory(limits.bodyMemory, {
      held: (bytes) => metrics.bodyBytes.set(bytes),
      refused: (reason) => metrics.bodiesRefused.inc({ reason }),
    }),
  };
}
