import type { AuditActor, AuditOrigin } from '@memory-layer/shared/audit/audit-event';
import type { AuditAction, AuditObjectType } from '@memory-layer/shared/db/schema';
import type { AppError } from '@memory-layer/shared/errors/app-error';
import type { Context, MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import type { ApiEnv } from '../http/api-env.ts';
import { soleTenantOf, type Caller } from '../access/caller.ts';
import type { AuditRecorder } from './audit-recorder.ts';

export interface RequestAuditDeps {
  /** Off: nothing is written. */
  readonly isOn: boolean;
  /** Whether reads are written, too. */
  readonly includesReads: boolean;
  readonly recorder: Pick<AuditRecorder, 'record' | 'recordRefusal'>;
  /** Of the caller, behind trusted proxies; empty when it is not known. */
  readonly addressOf: (c: Context<ApiEnv>) => string;
}

/** What routes take from a request for the entries of their transactions. */
export type AuditOriginOf = (c: Context<ApiEnv>) => AuditOrigin | undefined;

export interface RequestAudit {
  /** Undefined when the audit log is off. */
  readonly originOf: AuditOriginOf;
  /** Called for each answer that is an error. */
  readonly onError: (c: Context<ApiEnv>, error: AppError) => void;
  /** Undefined unless reads are written. */
  readonly reads: MiddlewareHandler<ApiEnv> | undefined;
}

/** What the audit log learns of requests. One that stores messages costs nothing here. */
export function createRequestAudit(deps: RequestAuditDeps): RequestAudit {
  const { isOn, recorder, addressOf } = deps;
  const origin = (c: Context<ApiEnv>): AuditOrigin => ({
    actor: actorOf(callerOf(c)),
    requestId: c.get('requestId'),
    address: addressOf(c) || undefined,
  });

  return {
    originOf: (c) => (isOn ? origin(c) : undefined),

    onError(c, { code, status }) {
      if (!isOn || (status !== 401 && status !== 403)) return;
      recorder.recordRefusal({
        ...origin(c),
        at: new Date(),
        tenantId: tenantOf(callerOf(c)),
        action: status === 403 ? 'request.authorize' : 'request.authenticate',
        objectType: 'route',
        objectId: routeOf(c),
        outcome: 'refused',
        changes: { code },
      });
    },

    reads:
      isOn && deps.includesReads
        ? async function auditReads(c, next) {
            await next();
            const read = c.res.ok ? readRoutes.get(routeOf(c)) : undefined;
            if (read === undefined) return;
            const [tenantId = tenantOf(callerOf(c))] = c.get('rates').tenantIds;
            const objectId = read.idParameter === undefined ? undefined : c.req.param(read.idParameter);
            const { action, objectType } = read;
            const entry = { tenantId, action, objectType, objectId, outcome: 'success', changes: {} } as const;
            recorder.record({ ...origin(c), at: new Date(), ...entry });
          }
        : undefined,
  };
}

interface Read {
  readonly action: AuditAction;
  readonly objectType: AuditObjectType;
  readonly idParameter?: string;
}

const messages = { objectType: 'message' } as const;
/** What reads of a tenant, by method and pattern. */
const readRoutes = new Map<string, Read>([
  ['GET /v1/messages', { ...messages, action: 'message.list' }],
  ['GET /v1/messages/:id', { ...messages, action: 'message.get', idParameter: 'id' }],
  ['GET /v1/memory/search', { ...messages, action: 'message.search' }],
  ['POST /v1/memory/search', { ...messages, action: 'message.search' }],
  ['GET /v1/events', { ...messages, action: 'event.stream' }],
  ['GET /v1/admin/embeddings/failed', { ...messages, action: 'embedding.list' }],
  [
    'GET /v1/admin/retention/runs/:run_id',
    { action: 'retention.get', objectType: 'retention_run', idParameter: 'run_id' },
  ],
  ['GET /v1/admin/keys', { action: 'key.list', objectType: 'api_key' }],
  ['GET /v1/admin/keys/:key_id', { action: 'key.get', objectType: 'api_key', idParameter: 'key_id' }],
  ['GET /v1/admin/audit', { action: 'audit.list', objectType: 'audit_event' }],
]);

/** A request without a known key has none, whatever the type of routes says. */
function callerOf(c: Context<ApiEnv>): Caller | undefined {
  return c.get('caller');
}

function actorOf(caller: Caller | undefined): AuditActor | undefined {
  return caller && { id: caller.keyId, name: caller.keyName };
}

/** The tenant of a key that has one alone: an entry of several is for those who see all. */
function tenantOf(caller: Caller | undefined): string | undefined {
  return caller && soleTenantOf(caller);
}

/** Method and pattern: a raw path would be whatever a caller wrote. */
function routeOf(c: Context<ApiEnv>): string {
  const pattern = routePath(c, -1);
  const method = c.req.method === 'HEAD' ? 'GET' : c.req.method;
  return `${method} ${pattern.includes('*') ? 'unmatched' : pattern}`;
}
