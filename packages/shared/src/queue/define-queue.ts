import { z } from 'zod';

/** BullMQ and its key layout reserve `:`; a plain alphabet is allowed for everything we name. */
const queueNamePattern = /^[A-Za-z0-9_.-]+$/;

/** Waits `delayMs * 2^(attempt - 1)` before the next attempt, of which up to the fraction `jitter` is taken off at random. */
export interface ExponentialBackoff {
  readonly type: 'exponential';
  readonly delayMs: number;
  /** 0 (exact) to 1 (anything between nothing and the full delay). */
  readonly jitter: number;
}

/** A strict object schema that survives JSON and carries a literal version `v`. */
export type PayloadSchema = z.ZodType<{ readonly v: number }>;

export interface JobDefinition<Schema extends PayloadSchema = PayloadSchema> {
  readonly schema: Schema;
  /** How often the job is started in all, the first time included. */
  readonly attempts: number;
  readonly backoff: ExponentialBackoff;
  /** After this the handler's signal is aborted and the attempt counts as failed. */
  readonly timeoutMs: number;
}

export interface QueueDefinition<Jobs extends Record<string, JobDefinition> = Record<string, JobDefinition>> {
  readonly name: string;
  readonly jobs: Jobs;
}

export type JobName<Q extends QueueDefinition> = Extract<keyof Q['jobs'], string>;

export type JobPayload<Q extends QueueDefinition, N extends JobName<Q>> = z.output<Q['jobs'][N]['schema']>;

/** What a handler is given: a parsed payload, and a signal that is aborted by the job's timeout or by shutdown. */
export interface RunningJob<Payload> {
  readonly payload: Payload;
  readonly jobId: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
  readonly signal: AbortSignal;
}

/** One handler per job of the queue: a missing or misspelt one does not compile. */
export type Handlers<Q extends QueueDefinition> = {
  readonly [N in JobName<Q>]: (job: RunningJob<JobPayload<Q, N>>) => Promise<void>;
};

/**
 * Declares a queue and its jobs; producer, consumer and scheduler derive their types from it.
 *
 * @throws Error when a name is not usable, or a payload would not survive JSON, is not strict, or has no version.
 */
export function defineQueue<const Jobs extends Record<string, JobDefinition>>(
  definition: QueueDefinition<Jobs>,
): QueueDefinition<Jobs> {
  for (const name of [definition.name, ...Object.keys(definition.jobs)]) {
    if (!queueNamePattern.test(name)) throw new Error(`"${name}" cannot name a queue or a job`);
  }
  for (const [name, job] of Object.entries(definition.jobs)) assertPayloadSchema(name, job.schema);
  return Object.freeze(definition);
}

const jsonShape = z.looseObject({
  type: z.literal('object'),
  additionalProperties: z.literal(false),
  properties: z.looseObject({ v: z.looseObject({ const: z.number() }) }),
});

function assertPayloadSchema(jobName: string, schema: PayloadSchema): void {
  // Refuses what JSON cannot carry, or would carry changed: dates, bigints, transforms.
  z.toJSONSchema(schema, { io: 'output' });
  const accepted = jsonShape.safeParse(z.toJSONSchema(schema, { io: 'input' }));
  if (!accepted.success) {
    throw new Error(`payload of job "${jobName}" must be a strict object with a literal version "v"`);
  }
}
