import { randomUUID } from 'node:crypto';
import { commonHeaders } from '@memory-layer/shared/http/common-headers';
import type { Logger } from '@memory-layer/shared/observability/logger';
import type { Metrics } from '@memory-layer/shared/observability/metrics';
import type { Context, MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import type { ApiEnv } from './api-env.ts';
import { answerHeader, requestHeader } from './node-headers.ts';

const common = Object.entries(commonHeaders);

/** Names each request, and writes one log line and one count for it, under its route pattern: a raw path would hold ids. */
export function observe(deps: { readonly logger: Logger; readonly metrics: Metrics }): MiddlewareHandler<ApiEnv> {
  // Of known fields, none of them a secret: looking for those doubles the price of a line.
  const requests = deps.logger.child({}, { redact: [] });
  return async function observeRequest(c, next) {
    const started = performance.now();
    nameRequest(c);
    answerHeader(c, 'X-API-Version', 'v1');
    for (const [name, value] of common) answerHeader(c, name, value);
    await next();
    const seconds = (performance.now() - started) / 1000;
    const { method } = c.req;
    const { status } = c.res;
    const pattern = routePath(c, -1);
    const path = status === 404 && pattern.includes('*') ? 'unmatched' : pattern;
    deps.metrics.requests.inc({ method, path, status: String(status) });
    deps.metrics.requestSeconds.observe({ method, path }, seconds);
    const fields = { requestId: c.get('requestId'), method, path, status, durationMs: Math.round(seconds * 1e5) / 100 };
    const traceId = traceIdOf(requestHeader(c, 'traceparent'));
    requests.info({ ...fields, keyId: c.get('caller')?.keyId, traceId }, 'request');
  };
}

const requestIdPattern = /^[\w=-]{1,128}$/;

/** Names a request: by the client's `X-Request-Id` when that is usable, else by a new UUID. The answer repeats it. */
function nameRequest(c: Context<ApiEnv>): void {
  const given = requestHeader(c, 'x-request-id');
  const id = given !== undefined && requestIdPattern.test(given) ? given : randomUUID();
  c.set('requestId', id);
  answerHeader(c, 'X-Request-Id', id);
}

const traceparentPattern =
  /^(?<version>[0-9a-f]{2})-(?<traceId>[0-9a-f]{32})-(?<parentId>[0-9a-f]{16})-[0-9a-f]{2}(?<more>-.*)?$/;

/**
 * The trace that a request is part of, from its `traceparent` header; undefined when there is none, or none that is
 * valid by W3C Trace Context Level 1, section 3.2 (https://www.w3.org/TR/trace-context/).
 */
export function traceIdOf(traceparent: string | undefined): string | undefined {
  const { version, traceId, parentId, more } = traceparent?.match(traceparentPattern)?.groups ?? {};
  if (version === undefined || version === 'ff' || traceId === undefined || parentId === undefined) return undefined;
  // Only later versions may say more than this.
  if (version === '00' && more !== undefined) return undefined;
  return /^0+$/.test(traceId) || /^0+$/.test(parentId) ? undefined : traceId;
}
