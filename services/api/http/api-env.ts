import type { HttpBindings } from '@hono/node-server';
import type { Credential } from './api-key.ts';

/** What middleware leaves for handlers. */
export interface ApiEnv {
  Bindings: HttpBindings;
  Variables: {
    requestId: string;
    credential: Credential;
  };
}
