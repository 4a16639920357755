import type { HttpBindings } from '@hono/node-server';
import type { Credential } from './api-key.ts';

/** What middleware leaves for handlers. */
export interface ApiEnv {
  Bindings: HttpBindings;
  Variables: {
    requestId: string;
    credential: Credential;
    /** Aborted when the request's time is up or its client has gone. */
    signal: AbortSignal;
    /** Counts the request against its tenant's rate. */
    countTenant: (tenantId: string) => Promise<void>;
  };
}
