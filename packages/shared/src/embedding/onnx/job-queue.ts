import type { OnnxOutput, OnnxTask } from './onnx-protocol.ts';
import { RowQueue, type Job } from './row-queue.ts';

/**
 * What kind of work waits for what: a query's before all else; measuring and cutting of texts and the batches that
 * they lead to share what is left.
 */
export type Lane = 'query' | 'prepare' | 'batch';

/** Lanes of jobs that are given as they came; what is in the other one is made into batches. */
type JobLane = Exclude<Lane, 'batch'>;

/** Lanes that share the time of a thread. */
type SharedLane = Exclude<Lane, 'query'>;

interface Waiting extends Job {
  readonly cost: number;
}

export interface PushOptions {
  /** How long the task takes, in any unit that is the same for all of its lane. */
  readonly cost: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * Work that no thread has begun. In a lane the cheapest job is next, and in turn the oldest: one text does not wait
 * for many long ones, and none of those for ever. The lanes beside that of queries get equal time while both have
 * work. What is aborted leaves at once.
 */
export class JobQueue {
  readonly #lanes: Readonly<Record<JobLane, Set<Waiting>>> = { query: new Set(), prepare: new Set() };
  readonly #rows: RowQueue;
  /** Milliseconds of threads that a lane has had; a lane that had no work has no claim to what it missed. */
  readonly #spentMs: Record<SharedLane, number> = { prepare: 0, batch: 0 };
  readonly #now: () => number;
  #takesOldest = false;

  /**
   * @param tokenBudget largest rows x longest of a batch.
   * @param now milliseconds; for tests.
   */
  constructor(tokenBudget: number, now: () => number = () => performance.now()) {
    this.#rows = new RowQueue(tokenBudget);
    this.#now = now;
  }

  /** Rows for the lane of batches; see {@link RowQueue.push}. */
  pushRows(rows: readonly Int32Array[], signal: AbortSignal | undefined): Promise<Float32Array[]> {
    return this.#rows.push(rows, signal);
  }

  /** @returns what the task gives when a thread has done it; rejects with the signal's reason, also when it has begun. */
  push(lane: JobLane, task: OnnxTask, { cost, signal }: PushOptions): Promise<OnnxOutput> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const abort = (): void => {
        this.#lanes[lane].delete(job);
        reject(signal?.reason);
      };
      const done = (): void => signal?.removeEventListener('abort', abort);
      const job: Waiting = {
        task,
        cost,
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

  /** Takes the next job of the lanes, the first lane going first. */
  take(lanes: readonly Lane[]): Job | undefined {
    const lane = this.#nextLane(lanes.filter((each) => this.has([each])));
    if (lane === undefined) return undefined;
    const job = lane === 'batch' ? this.#rows.take() : this.#takeFrom(lane);
    return job === undefined || lane === 'query' ? job : this.#timed(job, lane);
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

  #nextLane([first, second]: readonly Lane[]): Lane | undefined {
    if (first === undefined || first === 'query') return first;
    if (second === undefined || second === 'query') {
      const idle = first === 'batch' ? 'prepare' : 'batch';
      this.#spentMs[idle] = Math.max(this.#spentMs[idle], this.#spentMs[first]);
      return first;
    }
    return this.#spentMs[second] < this.#spentMs[first] ? second : first;
  }

  #timed(job: Job, lane: SharedLane): Job {
    const begunAt = this.#now();
    const count = (): void => {
      this.#spentMs[lane] += this.#now() - begunAt;
    };
    return {
      task: job.task,
      resolve: (output) => {
        count();
        job.resolve(output);
      },
      reject: (error) => {
        count();
        job.reject(error);
      },
    };
  }

  #takeFrom(lane: JobLane): Waiting | undefined {
    const jobs = this.#lanes[lane];
    this.#takesOldest = !this.#takesOldest;
    let chosen: Waiting | undefined;
    for (const job of jobs) {
      if (chosen === undefined || job.cost < chosen.cost) chosen = job;
      if (this.#takesOldest) break;
    }
    if (chosen) jobs.delete(chosen);
    return chosen;
  }
}
