import { embeddingQueue, type retentionQueue } from '@memory-layer/shared/queue/catalog';
import type { JobPayload } from '@memory-layer/shared/queue/define-queue';
import type { Producer, QueueBackend } from '@memory-layer/shared/queue/queue-port';

export interface WorkerNotification {
  readonly tenantId: string;
  readonly generation: number;
  readonly requestId: string | undefined;
}

type RetentionRun = JobPayload<typeof retentionQueue, 'run-retention'>;

/** A queue without workers: what is enqueued for embed workers is noted, what is for retention workers is handed on. */
export class RecordingQueues implements Pick<QueueBackend, 'createProducer' | 'health'> {
  readonly notifications: WorkerNotification[] = [];
  readonly #onRetentionRun: (run: RetentionRun) => Promise<void>;

  constructor(onRetentionRun: (run: RetentionRun) => Promise<void>) {
    this.#onRetentionRun = onRetentionRun;
  }

  createProducer: QueueBackend['createProducer'] = (queue) =>
    (queue.name === embeddingQueue.name ? this.#embeddingProducer() : this.#retentionProducer()) as never;

  async health() {
    return { status: 'ok' } as const;
  }

  #embeddingProducer(): Producer<typeof embeddingQueue> {
    return {
      add: async (_name, { tenantId, generation, requestId }) => {
        this.notifications.push({ tenantId, generation, requestId });
      },
      counts: async () => ({ waiting: 1, active: 2, delayed: 3, failed: 4 }),
      close: async () => undefined,
    };
  }

  #retentionProducer(): Producer<typeof retentionQueue> {
    return {
      add: async (_name, run) => this.#onRetentionRun(run as RetentionRun),
      counts: () => Promise.reject(new Error('the queue is away')),
      close: async () => undefined,
    };
  }
}
