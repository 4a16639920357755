import type { OnnxOutput, OnnxTask } from './onnx-protocol.ts';

/**
 * What kind of work waits for what: a query's before all else; measuring and cutting of texts before the batches
 * that they lead to, so that batches never run dry.
 */
export type Lane = 'query' | 'prepare' | 'batch';

interface Job {
  readonly task: OnnxTask;
  readonly resolve: (output: OnnxOutput) => void;
  readonly reject: (error: unknown) => void;
}

/** Jobs that no thread has begun, first in, first out in each lane. An aborted job leaves the queue at once. */
export class JobQueue {
  readonly #lanes: Readonly<Record<Lane, Set<Job>>> = { query: new Set(), prepare: new Set(), batch: new Set() };

  /**
   * @param signal rejects the promise with its reason: at once, also when a thread has begun the job.
   * @returns what the task gives when a thread has done it.
   */
  push(lane: Lane, task: OnnxTask, signal: AbortSignal | undefined): Promise<OnnxOutput> {
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
      const [job] = this.#lanes[lane];
      if (job) {
        this.#lanes[lane].delete(job);
        return job;
      }
    }
    return undefined;
  }

  has(lanes: readonly Lane[]): boolean {
    return lanes.some((lane) => this.#lanes[lane].size > 0);
  }

  /** Rejects all that waits in the lanes. */
  fail(lanes: readonly Lane[], error: unknown): void {
    for (let job = this.take(lanes); job; job = this.take(lanes)) job.reject(error);
  }
}
