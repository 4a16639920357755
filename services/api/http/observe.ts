import { randomUUID } from 'node:crypto';
import type { BlockList } from 'node:net';
import type { Logger } from '@memory-layer/shared/observability/logger';
import type { Metrics } from '@memory-layer/shared/observability/metrics';
import type { Context, MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import type { ApiEnv } from './api-env.ts';
import { constantHeaders } from './constant-headers.ts';
import { answerHeader, requestHeader } from './node-headers.ts';

export interface ObserveDeps {
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Proxies that are believed when they say that a client came by https. */
  readonly trustedProxies: BlockList;
}

export interface ObserveDeps {
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** What else is to be done before an answer is sent: a middleware for it would cost each request. */
  readonly beforeSending?: (c: Context<ApiEnv>) => Promise<void> | undefined;
}

/** Names each request, and writes one log line and one count for it, under its route pattern: a raw path would hold ids. */
export function observe(deps: ObserveDeps): MiddlewareHandler<ApiEnv> {
  // Of known fields, none of them a secret: looking for those doubles the price of a line.
  const requests = deps.logger.child({}, { redact: [] });
  const answerConstant = constantHeaders(deps.trustedProxies);
  return async function observeRequest(c, next) {
    const started = performance.now();
    nameRequest(c);
    answerConstant(c);
    await next();
    const unfinished = deps.beforeSending?.(c);
    if (unfinished !== undefined) await unfinished;
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
