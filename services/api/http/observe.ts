import { commonHeaders } from '@memory-layer/shared/http/common-headers';
import type { Logger } from '@memory-layer/shared/observability/logger';
import type { Metrics } from '@memory-layer/shared/observability/metrics';
import type { MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import type { ApiEnv } from './api-env.ts';
import { answerHeader, requestHeader } from './node-headers.ts';
import { nameRequest } from './request-id.ts';
import { traceIdOf } from './trace-context.ts';

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
    requests.info({ ...fields, keyId: c.get('credential')?.keyId, traceId }, 'request');
  };
}
