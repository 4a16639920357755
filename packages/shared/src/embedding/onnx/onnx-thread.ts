import { Worker } from 'node:worker_threads';
import { AppError } from '../../errors/app-error.ts';
import type { FromWorker, OnnxOutput, OnnxTask, OnnxWorkerData, ToWorker } from './onnx-protocol.ts';
import { turnTelemetryOff } from './no-telemetry.ts';
import { buffersOf } from './packed-rows.ts';

interface Waiter {
  resolve(output: OnnxOutput): void;
  reject(error: Error): void;
}

function workerUrl(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? './onnx.worker.ts' : './onnx.worker.js', import.meta.url);
}

/** What the pool asks of a thread. */
export interface TaskThread {
  /** False once it is gone; it does not come back. */
  readonly alive: boolean;
  /**
   * @throws AppError `embedding_rejected` when the model fails on this task,
   *   `embedding_unavailable` when the thread dies over it.
   */
  run(task: OnnxTask): Promise<OnnxOutput>;
  /** Lets the running task finish and ends the thread. */
  stop(): Promise<void>;
}

/** Starts a thread and waits until its model is loaded; throws AppError `embedding_unavailable` when it cannot be. */
export type StartThread = (data: OnnxWorkerData) => Promise<TaskThread>;

/**
 * One worker thread with one model session, from its start to its end. It takes one task at a time; a thread that
 * died is not used again.
 */
export class OnnxThread implements TaskThread {
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  readonly #ready = Promise.withResolvers<void>();
  #waiter: Waiter | undefined;
  #failure: Error | undefined;
  #alive = true;

  private constructor(data: OnnxWorkerData, script: URL) {
    turnTelemetryOff();
    this.#worker = new Worker(script, { workerData: data, name: 'embedding' });
    this.#worker.on('message', (message: FromWorker) => this.#receive(message));
    this.#worker.on('error', (error) => {
      this.#failure = error instanceof Error ? error : new Error(String(error));
    });
    this.#exited = new Promise((resolve) => {
      this.#worker.once('exit', (code) => {
        this.#alive = false;
        const error = this.#deathError(code);
        this.#ready.reject(error);
        this.#takeWaiter()?.reject(error);
        resolve();
      });
    });
  }

  /** @throws AppError `embedding_unavailable` when the thread dies before its model is loaded. */
  static async start(data: OnnxWorkerData, script: URL = workerUrl()): Promise<OnnxThread> {
    const thread = new OnnxThread(data, script);
    await thread.#ready.promise;
    return thread;
  }

  get alive(): boolean {
    return this.#alive;
  }

  run(task: OnnxTask): Promise<OnnxOutput> {
    return new Promise((resolve, reject) => {
      if (this.#waiter) throw new Error('the thread is busy');
      this.#waiter = { resolve, reject };
      this.#send(task);
    });
  }

  // Never by `terminate()`: inside a native run that aborts the whole process.
  async stop(): Promise<void> {
    if (this.#alive) this.#send({ kind: 'stop' });
    await this.#exited;
  }

  #send(message: ToWorker): void {
    this.#worker.postMessage(message, message.kind === 'infer' ? buffersOf(message.rows) : []);
  }

  #takeWaiter(): Waiter | undefined {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    return waiter;
  }

  #receive(message: FromWorker): void {
    switch (message.type) {
      case 'ready':
        return this.#ready.resolve();
      case 'done':
        return this.#takeWaiter()?.resolve(message.output);
      case 'failed': {
        const error = new AppError('embedding_rejected', `The embedding model failed: ${message.message}`);
        return this.#takeWaiter()?.reject(error);
      }
    }
  }

  #deathError(code: number): AppError {
    const reason = this.#failure?.message ?? `exit code ${code}`;
    return new AppError('embedding_unavailable', `An embedding thread died: ${reason}`, { cause: this.#failure });
  }
}
