import { setTimeout as sleep } from 'node:timers/promises';
import { UnrecoverableError } from 'bullmq';

import { AppError } from '../errors/app-error.ts';
import type { Component } from '../lifecycle/component.ts';
import type { Handlers, QueueDefinition, RunningJob } from './define-queue.ts';
import { runJob, UnparseableJobError } from './job-runner.ts';
import type { BullJob, OpenWorker, QueueDriver } from './queue-driver.ts';
import type { ConsumerEvents, ConsumerOptions, JobReport } from './queue-port.ts';

const defaultStopTimeoutMs = 10_000;
const defaultAbortGraceMs = 5_000;
/** For BullMQ to record the last outcomes and close; the jobs themselves have ended by then. */
const closeTimeoutMs = 2_000;

type AnyHandler = (job: RunningJob<unknown>) => Promise<void>;

/** Takes jobs of one queue and gives them to their handlers, from `start` to `stop`. */
export class BullmqConsumer<Q extends QueueDefinition> implements Component {
  readonly id: string;
  readonly #driver: QueueDriver;
  readonly #queue: Q;
  readonly #handlers: ReadonlyMap<string, AnyHandler>;
  readonly #options: ConsumerOptions;
  readonly #running = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  #open: OpenWorker | undefined;
  #started: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;
  #draining = false;

  constructor(driver: QueueDriver, queue: Q, handlers: Handlers<Q>, options: ConsumerOptions) {
    this.id = `consumer:${queue.name}`;
    this.#driver = driver;
    this.#queue = queue;
    // The handlers take differing payloads; each is parsed by the schema of the same name before the call.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    this.#handlers = new Map(Object.entries(handlers as Record<string, AnyHandler>));
    this.#options = options;
  }

  /** @throws AppError `unavailable` when PostgreSQL cannot be reached; Redis is waited for in the background. */
  async start(): Promise<void> {
    this.#started ??= this.#openWorker().catch((error: unknown) => {
      this.#started = undefined; // So that it can be tried again.
      throw error;
    });
    await this.#started;
  }

  async #openWorker(): Promise<void> {
    if (this.#stopped !== undefined) return;
    const onError = (error: Error): void => this.#options.onError?.(error);
    const { concurrency } = this.#options;
    const open = await this.#driver.openWorker(this.#queue.name, (job, token) => this.#process(job, token), {
      concurrency,
      onError,
    });
    this.#open = open;
    this.#report(open);
    open.worker.run().catch(onError);
  }

  /** Takes no more jobs, waits for the running ones, then aborts their signals and gives them back. */
  async stop(): Promise<void> {
    this.#stopped ??= this.#shutDown();
    await this.#stopped;
  }

  async #process(job: BullJob, token: string | undefined): Promise<void> {
    const handle = this.#handlers.get(job.name) ?? (() => Promise.reject(new AppError('internal', 'no handler')));
    const attempt = runJob({
      refused: this.#draining,
      queue: this.#queue,
      handle,
      job,
      token,
      stopping: this.#stopping.signal,
      abortGraceMs: this.#options.abortGraceMs ?? defaultAbortGraceMs,
      onHandedBack: (returned) => this.#options.onHandedBack?.(reportJob(this.#queue.name, returned)),
    });
    this.#running.add(attempt);
    try {
      await attempt;
    } finally {
      this.#running.delete(attempt);
    }
  }

  #report({ worker }: OpenWorker): void {
    const { onCompleted, onError } = this.#options;
    worker.on('completed', (job) => onCompleted?.(reportJob(this.#queue.name, job)));
    worker.on('failed', (job, error) => {
      if (job === undefined) onError?.(error);
      else reportFailure(this.#queue.name, job, error, this.#options);
    });
  }

  async #shutDown(): Promise<void> {
    await this.#started?.catch(() => undefined);
    const open = this.#open;
    if (open === undefined) return;
    this.#draining = true;
    await open.worker.pause(true);
    // Closing in order waits for the datastore, for ever if it is away.
    const reachable = await within(closeTimeoutMs, this.#driver.ping());
    const ended = reachable ? open.close(false) : Promise.allSettled(this.#running);
    if (!(await within(this.#options.stopTimeoutMs ?? defaultStopTimeoutMs, ended))) {
      this.#stopping.abort(new AppError('unavailable', 'this consumer stops'));
      await within((this.#options.abortGraceMs ?? defaultAbortGraceMs) + closeTimeoutMs, ended);
    }
    const closed = await within(closeTimeoutMs, reachable ? ended : open.close(true));
    if (!closed) this.#options.onError?.(new Error(`${this.id} could not be closed in order`));
  }
}

/** Whether `work` succeeded within the time; its failure is not an error here. */
async function within(timeoutMs: number, work: Promise<unknown>): Promise<boolean> {
  const timer = new AbortController();
  const outcome = work.then(
    () => true,
    () => false,
  );
  const deadline = sleep(timeoutMs, false, { signal: timer.signal }).catch(() => false);
  try {
    return await Promise.race([outcome, deadline]);
  } finally {
    timer.abort();
  }
}

/** A job whose attempt has just ended, in the port's words. */
function reportJob(queueName: string, job: BullJob): JobReport {
  const startedAt = job.processedOn ?? Date.now();
  return {
    queueName,
    jobName: job.name,
    jobId: job.id ?? '',
    attempt: Math.max(job.attemptsMade, 1),
    payload: job.data,
    waitedMs: Math.max(startedAt - job.timestamp, 0),
    durationMs: Math.max((job.finishedOn ?? Date.now()) - startedAt, 0),
  };
}

function reportFailure(queueName: string, job: BullJob, error: Error, events: ConsumerEvents): void {
  // `UnrecoverableError` is only BullMQ's wrapping of an error that is not to be retried.
  const original = error instanceof UnrecoverableError && error.cause instanceof Error ? error.cause : error;
  const report = { ...reportJob(queueName, job), error: original, willRetry: job.finishedOn === undefined };
  if (error instanceof UnparseableJobError) events.onUnparseable?.(report);
  else events.onFailed?.(report);
}
