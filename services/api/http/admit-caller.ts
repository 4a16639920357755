import type { MiddlewareHandler } from 'hono';
import type { BodyMemory } from '../cost/body-memory.ts';
import type { RequestCounter } from '../rate-limit/request-counter.ts';
import type { ApiEnv } from './api-env.ts';
import type { KeyRing } from './api-key.ts';
import { presentedKey, unauthenticated } from './authenticate.ts';

/**
 * Who may call a path: all; all, but who sends a known key is known; or only who sends one. A `probe` is open too,
 * and not counted when this machine itself asks.
 */
export type Access = 'probe' | 'open' | 'recognised' | 'closed';

export interface AdmitCallerDeps {
  readonly keys: KeyRing;
  readonly counter: RequestCounter;
  readonly bodyMemory: Pick<BodyMemory, 'open'>;
  readonly accessTo: (path: string) => Access;
}

/**
 * Lets a request through only with a known key, within the rates of its address and of its key. Whether a key is
 * known is not told to an address that has used up its rate, so that keys cannot be guessed fast.
 */
export function admitCaller({ keys, counter, bodyMemory, accessTo }: AdmitCallerDeps): MiddlewareHandler<ApiEnv> {
  return async function admit(c, next) {
    const access = accessTo(c.req.path);
    if (access === 'probe' && counter.isLocal(c)) return next();
    const presented = access === 'closed' || access === 'recognised' ? presentedKey(c) : undefined;
    const credential = presented === undefined ? undefined : keys.authenticate(presented);
    if (credential !== undefined) c.set('credential', credential);
    c.set('bodyMemory', bodyMemory);
    counter.begin(c);
    try {
      const keyCounted = credential === undefined || access !== 'closed' ? undefined : counter.countKey(c, credential);
      await Promise.all([counter.countAddress(c), keyCounted]);
      if (credential === undefined && access === 'closed') throw unauthenticated(presented);
      await next();
    } finally {
      counter.answer(c);
    }
  };
}
