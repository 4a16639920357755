import type { Job, Processor, Queue, Worker } from 'bullmq';

/** What is used of a BullMQ `Queue`, whatever datastore is behind it. */
export type BullQueue = Pick<
  Queue<unknown, unknown, string>,
  'add' | 'getJobCounts' | 'upsertJobScheduler' | 'waitUntilReady'
> & { close(): Promise<void> };

export type BullJob = Job<unknown, unknown, string>;

/** What is used of a BullMQ `Worker`. */
export type BullWorker = Pick<Worker<unknown, void, string>, 'run' | 'pause'> & {
  on(event: 'completed', listener: (job: BullJob) => void): unknown;
  on(event: 'failed', listener: (job: BullJob | undefined, error: Error) => void): unknown;
};

/** A worker that is connected, or goes on trying, and does not run yet. */
export interface OpenWorker {
  readonly worker: BullWorker;
  /** Lets running jobs finish; with `force`, waits for nothing that needs the datastore. */
  close(force: boolean): Promise<void>;
}

export interface OpenWorkerOptions {
  readonly concurrency: number;
  readonly onError: (error: Error) => void;
}

/** The part that differs between Redis and PostgreSQL: making connections, and BullMQ objects on them. */
export interface QueueDriver {
  /** Begins to connect. Resolves when connected, or when it is not yet but goes on trying. */
  connect(): Promise<void>;
  /** @throws when the datastore does not answer in time. */
  ping(): Promise<void>;
  openQueue(name: string): BullQueue;
  openWorker(
    name: string,
    processor: Processor<unknown, void, string>,
    options: OpenWorkerOptions,
  ): Promise<OpenWorker>;
  close(): Promise<void>;
}

/** Most events BullMQ keeps per queue for `QueueEvents`, which this system does not use. */
export const keptEvents = 1_000;

/** Pause after an error before a worker asks for the next job again. BullMQ's 15 s would double a short outage. */
export const workerRetryDelayMs = 1_000;
