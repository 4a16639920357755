import type { embeddingQueue } from '@memory-layer/shared/queue/catalog';
import type { Producer } from '@memory-layer/shared/queue/queue-port';

const names = 4;
const renewedEveryMs = 5000;

/**
 * Adds jobs under deduplication ids of their own, which take turns. A worker that dies between taking a job and
 * telling the queue so leaves an id that swallows every bell of its tenant, for as long as the queue takes to notice
 * (a minute). Under the next name a bell is heard; and with few names, few jobs can wait.
 */
export function underTurningNames(
  producer: Pick<Producer<typeof embeddingQueue>, 'add'>,
  now: () => number = Date.now,
): Pick<Producer<typeof embeddingQueue>, 'add'> {
  return {
    add(jobName, payload, options = {}) {
      const turn = Math.floor(now() / renewedEveryMs) % names;
      const { deduplicationId } = options;
      if (deduplicationId === undefined) return producer.add(jobName, payload, options);
      return producer.add(jobName, payload, { ...options, deduplicationId: `${deduplicationId}.w${turn}` });
    },
  };
}
