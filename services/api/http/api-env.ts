import type { HttpBindings } from '@hono/node-server';
import type { RateCount } from '../rate-limit/rate-headers.ts';
import type { BodyMemory } from '../cost/body-memory.ts';
import type { Credential } from './api-key.ts';
import type { TimeLimit } from './deadline.ts';

/** What middleware leaves for handlers. */
export interface ApiEnv {
  Bindings: HttpBindings;
  Variables: {
    requestId: string;
    credential: Credential;
    /** The signal that is aborted when the request's time is up or its client has gone. */
    signal: () => AbortSignal;
    /** Aborted when the request's time is up; costs less. */
    deadline: AbortSignal;
    /** Where the bytes of the request's body are counted. */
    bodyMemory: Pick<BodyMemory, 'open'>;
    /** Says what happens when the request's time is up. */
    timeLimit: TimeLimit;
    /** How those stand that the request was counted for. */
    rateCounts: RateCount[];
    /** Counts the request against its tenant's rate. */
    countTenant: (tenantId: string) => Promise<void>;
  };
}
