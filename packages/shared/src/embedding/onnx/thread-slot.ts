import type { JobQueue, Lane } from './job-queue.ts';
import type { TaskThread } from './onnx-thread.ts';

/** After a thread could not be started, jobs are refused for this time before the next try. */
const restartPauseMs = 2_000;

/**
 * A place for one thread in the pool: serves its lanes for as long as the pool lives, with a new thread whenever one
 * has died. A new thread is started only when there is work for it.
 */
export class ThreadSlot {
  readonly lanes: readonly Lane[];
  readonly #startThread: () => Promise<TaskThread>;
  readonly #queue: JobQueue;
  #thread: TaskThread | undefined;
  #work: Promise<void> | undefined;
  #retryAt = 0;
  #stopping = false;

  constructor(lanes: readonly Lane[], queue: JobQueue, startThread: () => Promise<TaskThread>) {
    this.lanes = lanes;
    this.#startThread = startThread;
    this.#queue = queue;
  }

  /** Whether a job in one of its lanes will be served, if need be by a thread yet to be started. */
  get serving(): boolean {
    return !this.#stopping && performance.now() >= this.#retryAt;
  }

  /** @throws AppError `embedding_unavailable` when the thread cannot be started. */
  async start(): Promise<void> {
    try {
      this.#thread = await this.#startThread();
    } catch (error) {
      this.#retryAt = performance.now() + restartPauseMs;
      throw error;
    }
  }

  /** Looks for work; call it after a job was queued. `onDown` gets the reason when no thread could be started. */
  wake(onDown: (error: unknown) => void): void {
    if (this.#work || !this.serving || !this.#queue.has(this.lanes)) return;
    this.#work = this.#serve()
      .catch(onDown)
      .finally(() => {
        this.#work = undefined;
        this.wake(onDown);
      });
  }

  async #serve(): Promise<void> {
    if (!this.#thread?.alive) await this.start();
    while (await this.#serveOne());
  }

  async #serveOne(): Promise<boolean> {
    const thread = this.#thread;
    const job = thread?.alive && !this.#stopping ? this.#queue.take(this.lanes) : undefined;
    if (!thread || !job) return false;
    await thread.run(job.task).then(job.resolve, job.reject);
    return true;
  }

  /** Lets the running job finish, then ends the thread. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#work;
    await this.#thread?.stop();
  }
}
