import type { OnnxOutput, OnnxTask } from './onnx-protocol.ts';
import { RowQueue, type Job } from './row-queue.ts';

/**
 * What kind of work waits for what: a query's before all else; measuring and cutting of texts before the batches
 * that they lead to, so that batches never run dry.
 */
export type Lane = 'query' | 'prepare' | 'batch';

/** Lanes of jobs that are given as they came; what is in the other one is made into batches. */
type JobLane = Exclude<Lane, 'batch'>;

/** Work that no thread has begun; jobs are first in, first out in their lane. What is aborted leaves at once. */
export class JobQueue {
  readonly #lanes: Readonly<Record<JobLane, Set<Job>>> = { query: new Set(), prepare: new Set() };
  readonly #rows: RowQueue;

  /** @param tokenBudget largest rows x longest of a batch. */
  constructor(tokenBudget: number) {
    this.#rows = new RowQueue(tokenBudget);
  }

  /** Rows for the lane of batches; see {@link RowQueue.push}. */
  pushRows(rows: readonly Int32Array[], signal: AbortSignal | undefined): Promise<Float32Array[]> {
    return this.#rows.push(rows, signal);
  }

  /**
   * @param signal rejects the promise with its reason: at once, also when a thread has begun the job.
   * @returns what the task gives when a thread has done it.
   */
  push(lane: JobLane, task: OnnxTask, signal: AbortSignal | undefined): Promise<OnnxOutput> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const abort = (): void => {
        this.#lanes[lane].delete(job);
        reject(signal?.reason);
      };
      const done = (): void => signal?.removeEventListener('abort', abort);
      const job: Job = {
        task,
        resolve: (output) => {
          done();
          resolve(output);
        },
        reject: (error) => {
          done();
          reject(error);
        },
      };
      this.#lanes[lane].add(job);
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  /** Takes the next job of the first lane that has one. */
  take(lanes: readonly Lane[]): Job | undefined {
    for (const lane of lanes) {
      const job = lane === 'batch' ? this.#rows.take() : this.#takeFrom(lane);
      if (job) return job;
    }
    return undefined;
  }

  has(lanes: readonly Lane[]): boolean {
    return lanes.some((lane) => (lane === 'batch' ? !this.#rows.isEmpty : this.#lanes[lane].size > 0));
  }

  /** Rejects all that waits in the lanes. */
  fail(lanes: readonly Lane[], error: unknown): void {
    for (const lane of lanes) {
      if (lane === 'batch') this.#rows.failAll(error);
      else for (let job = this.#takeFrom(lane); job; job = this.#takeFrom(lane)) job.reject(error);
    }
  }

  #takeFrom(lane: JobLane): Job | undefined {
    const [job] = this.#lanes[lane];
    if (job) this.#lanes[lane].delete(job);
    return job;
  }
}
