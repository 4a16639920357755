import { createRoute, OpenAPIHono, type z } from '@hono/zod-openapi';
import type { AppError } from '@memory-layer/shared/errors/app-error';
import type { Logger } from '@memory-layer/shared/observability/logger';
import type { Instant } from '@memory-layer/shared/time/instant';
import type { Context } from 'hono';
import { costOfListing } from '../cost/request-cost.ts';
import type { ApiEnv } from '../http/api-env.ts';
import { toAppError } from '../http/errors.ts';
import { AnswerBudget, answerJson, jsonList, jsonObject, takeWhileFits } from '../http/json-answer.ts';
import { requestHeader } from '../http/node-headers.ts';
import { commonErrors, needsScope, problems } from '../http/openapi.ts';
import { readQuery } from '../http/strict-query.ts';
import { admitTenant } from '../http/tenant.ts';
import { withTenantSlot, type ReadLimiter } from '../http/tenant-slot.ts';
import { textStream } from '../http/text-stream.ts';
import { invalidRequest } from '../http/validation-hook.ts';
import { auditLines, toAuditBody } from './audit-lines.ts';
import type { AuditFilter, AuditPage, AuditRequest } from './audit.ts';
import {
  auditLimits,
  auditLineSchema,
  auditPageSchema,
  auditQuerySchema,
  limitRule,
  type AuditQuery,
} from './audit.schemas.ts';

/** Reads a page of the audit log. */
export type ListAudit = (request: AuditRequest) => Promise<AuditPage>;

export interface AuditRoutesDeps {
  readonly list: ListAudit;
  readonly limiter: ReadLimiter;
  readonly logger: Logger;
}

const description = `What was deleted, retried, archived and refused, and by whom. A page looks at up to 10 000 entries, so that it may have
few or none although \`next_cursor\` says that more follow. With \`Accept: application/x-ndjson\` up to 10 000 entries are answered,
one a line; the last line has \`next_cursor\`.`;
const lines = 'application/x-ndjson';
// Longer than any that somebody sends.
const maxAcceptCharacters = 1024;

/** What was done, by whom: for those who administer. */
export function auditRoutes(deps: AuditRoutesDeps) {
  const list = createRoute({
    method: 'get',
    path: '/v1/admin/audit',
    operationId: 'listAuditEvents',
    tags: ['operations'],
    ...needsScope('admin'),
    summary: 'List the audit log',
    description,
    request: { query: auditQuerySchema },
    responses: {
      200: {
        description: 'A page, or lines.',
        content: { 'application/json': { schema: auditPageSchema }, [lines]: { schema: auditLineSchema } },
      },
      ...problems(...commonErrors),
    },
  });

  const app = new OpenAPIHono<ApiEnv>();
  // Not by `openapi`, which would take lines for JSON.
  app.openAPIRegistry.registerPath(list);
  return app.get(list.path, async (c) => {
    const query = readQuery(c, auditQuerySchema);
    const asLines = wantsLines(c);
    const limit = limitOf(query, asLines);
    const tenantId = await admitTenants(c, query.tenant_id);
    const request = { ...filterOf(query, tenantId), order: query.order };
    const slot = { limiter: deps.limiter, tenantId: tenantId ?? c.get('caller').keyId };
    const signal = c.get('signal')();
    const read = (after: string | undefined, left: number): Promise<AuditPage> => {
      const page = Math.min(left, auditLimits.page);
      return withTenantSlot(c, { ...slot, cost: costOfListing({ limit: page }), signal }, () =>
        deps.list({ ...request, after, limit: page, signal }),
      );
    };
    const first = await read(query.cursor, limit);
    if (!asLines) return answerPage(c, first);
    // Hono answers HEAD as GET and leaves the body out: a stream that nobody reads would be kept.
    if (c.req.method === 'HEAD') return c.body(null, 200, { 'content-type': lines });
    const onError = (thrown: unknown): AppError => {
      const error = toAppError(thrown);
      if (error.status >= 500) {
        deps.logger.error({ requestId: c.get('requestId'), err: error.cause ?? error }, 'audit lines');
      }
      return error;
    };
    return c.body(textStream(auditLines({ first, limit, read, onError })), 200, { 'content-type': lines });
  });
}

/** Whether the client takes lines: where it would take both, it gets lines. */
function wantsLines(c: Context<ApiEnv>): boolean {
  const accept = requestHeader(c, 'accept') ?? '';
  return accept.length <= maxAcceptCharacters && accept.toLowerCase().includes(lines);
}

function limitOf({ limit }: AuditQuery, asLines: boolean): number {
  if (asLines) return limit ?? auditLimits.lines;
  if (limit === undefined || limit <= auditLimits.page) return limit ?? auditLimits.defaultPage;
  throw invalidRequest([{ in: 'query', pointer: '/limit', detail: limitRule }]);
}

/** The tenant whose entries are listed; undefined for those of all, which are for keys that are bound to none. */
async function admitTenants(c: Context<ApiEnv>, requested: string | undefined): Promise<string | undefined> {
  if (requested === undefined && c.get('caller').tenants === 'all') return undefined;
  return admitTenant(c, requested, { in: 'query', pointer: '/tenant_id' });
}

function filterOf(query: AuditQuery, tenantId: string | undefined): AuditFilter {
  return {
    tenantId,
    actorId: query.actor_id,
    action: query.action,
    objectType: query.object_type,
    objectId: query.object_id,
    outcome: query.outcome,
    sinceMs: query.since && firstMsFrom(query.since),
    untilMs: query.until && firstMsFrom(query.until),
  };
}

/** Entries have milliseconds: the first one that is not before an instant, which may have microseconds. */
function firstMsFrom(instant: Instant): number {
  const isBetween = instant.length > '2026-01-31T12:00:00.000Z'.length;
  return Date.parse(instant) + (isBetween ? 1 : 0);
}

async function answerPage(c: Context<ApiEnv>, { items, next }: AuditPage) {
  const shown = await takeWhileFits(items, toAuditBody, new AnswerBudget());
  const nextCursor = shown.length < items.length ? items[shown.length - 1]?.id : next;
  const pieces = jsonObject({ next_cursor: nextCursor ?? null }, { items: jsonList(shown) });
  return answerJson<z.input<typeof auditPageSchema>, 200>(c, pieces, 200);
}
