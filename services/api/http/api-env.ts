import type { HttpBindings } from '@hono/node-server';
import type { AppError } from '@memory-layer/shared/errors/app-error';
import type { BodyMemory } from '../cost/body-memory.ts';
import type { Caller } from '../access/caller.ts';
import type { TenantDirectory } from '../access/tenant.ts';
import type { RequestRates } from '../rate-limit/request-rates.ts';

/** What happens to a request when its time is up. Its signals are aborted in any case. */
export interface TimeLimit {
  /** It is answered with this instead of 504, and its signals are aborted with it. Made only then: an error is costly. */
  answerLateWith(makeError: () => AppError): void;
  /** From here on the handler answers by itself: what it does cannot be given up without knowing how it ended. */
  handOver(): void;
  /** The body was left unread for a time: that it has not come is no fault of its client. */
  holdBodyBack(): void;
}

/** What middleware leaves for handlers. */
export interface ApiEnv {
  Bindings: HttpBindings;
  Variables: {
    requestId: string;
    caller: Caller;
    /** The signal that is aborted when the request's time is up or its client has gone. */
    signal: () => AbortSignal;
    /** Aborted when the request's time is up; costs less. */
    deadline: AbortSignal;
    /** Where the bytes of the request's body are counted. */
    bodyMemory: Pick<BodyMemory, 'open'>;
    /** Decides what happens when the request's time is up. */
    timeLimit: TimeLimit;
    /** Of the answer, once it is made in pieces. */
    answerBytes?: number;
    /** Whether a tenant may do what the request asks for. */
    tenants: TenantDirectory;
    /** What the request is counted for, and how that stands. */
    rates: RequestRates;
  };
}
