import type { Component } from '../lifecycle/component.ts';
import type { Handlers, JobName, JobPayload, QueueDefinition } from './define-queue.ts';

export interface AddOptions {
  /**
   * While a job with this id waits, further adds are swallowed. As soon as a worker has started that job, and
   * before its handler runs, the next add makes a new job; so nothing committed before a swallowed add is overlooked.
   */
  readonly deduplicationId?: string;
}

export interface QueueCounts {
  readonly waiting: number;
  readonly active: number;
  /** Delayed by backoff, or as the next run of a schedule. */
  readonly delayed: number;
  readonly failed: number;
}

/** The sending end. Every call ends within the backend's `timeoutMs`, whatever state the datastore is in. */
export interface Producer<Q extends QueueDefinition> {
  /**
   * @throws AppError `internal` when the payload or an id is not valid (a bug of the caller), `unavailable` when
   *   the datastore did not confirm in time (the job may exist all the same).
   */
  add<N extends JobName<Q>>(jobName: N, payload: JobPayload<Q, N>, options?: AddOptions): Promise<void>;
  /** @throws AppError `unavailable` */
  counts(): Promise<QueueCounts>;
  /** Later calls are refused with `unavailable`. Safe to call twice. */
  close(): Promise<void>;
}

export interface Schedule {
  /** A new schedule runs at once. */
  readonly everyMs: number;
}

/** Repeatable jobs. Schedules live in the datastore and are shared by all processes; at most one run waits at a time. */
export interface Scheduler<Q extends QueueDefinition> {
  /**
   * Creates or changes the schedule `schedulerId`. Repeating it unchanged neither delays nor doubles a run.
   * A flushed Redis forgets schedules: their owner repeats the call now and then.
   *
   * @throws AppError `internal` (payload, id or interval not valid) or `unavailable`.
   */
  upsertSchedule<N extends JobName<Q>>(
    jobName: N,
    schedulerId: string,
    schedule: Schedule,
    payload: JobPayload<Q, N>,
  ): Promise<void>;
}

/** One attempt of a job, for logs and metrics. */
export interface JobReport {
  readonly queueName: string;
  readonly jobName: string;
  readonly jobId: string;
  readonly attempt: number;
  /** As it came from the queue: ids only, but unparsed. */
  readonly payload: unknown;
  /** From the moment the job was added to the start of this attempt. */
  readonly waitedMs: number;
  readonly durationMs: number;
}

export interface FailedJobReport extends JobReport {
  readonly error: Error;
  /** False for the last attempt, and for errors that say they are not retryable. */
  readonly willRetry: boolean;
}

export interface ConsumerEvents {
  readonly onCompleted?: (report: JobReport) => void;
  readonly onFailed?: (report: FailedJobReport) => void;
  /** The payload or the job's name is not one of this catalog; the job was set aside as failed, no handler ran. */
  readonly onUnparseable?: (report: FailedJobReport) => void;
  /** Given back to the queue because this consumer stops; it costs the job no attempt. */
  readonly onHandedBack?: (report: JobReport) => void;
  /** Trouble outside of any handler, such as a lost connection; the consumer goes on by itself. */
  readonly onError?: (error: Error) => void;
}

export interface ConsumerOptions extends ConsumerEvents {
  /** Jobs run at the same time by this consumer. */
  readonly concurrency: number;
  /** `stop` waits this long for running jobs before it aborts their signals. Default 10 000. */
  readonly stopTimeoutMs?: number;
  /** A handler that has not ended this long after its signal was aborted is left to itself. Default 5 000. */
  readonly abortGraceMs?: number;
}

/** One datastore connection setup, from which everything else is made; `stop` closes all that was made. */
export interface QueueBackend extends Component {
  createProducer<Q extends QueueDefinition>(queue: Q): Producer<Q>;
  createScheduler<Q extends QueueDefinition>(queue: Q): Scheduler<Q>;
  /** Takes jobs from `start` to `stop`. Stop it before the backend. */
  createConsumer<Q extends QueueDefinition>(queue: Q, handlers: Handlers<Q>, options: ConsumerOptions): Component;
}
