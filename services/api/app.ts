import type { BlockList } from 'node:net';
import { OpenAPIHono } from '@hono/zod-openapi';
import { AppError } from '@memory-layer/shared/errors/app-error';
import type { Logger } from '@memory-layer/shared/observability/logger';
import type { Metrics } from '@memory-layer/shared/observability/metrics';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { requestId } from 'hono/request-id';
import { healthRoutes, type HealthRoutesDeps } from './admin/health.routes.ts';
import { metricsRoutes } from './admin/metrics.routes.ts';
import { docsRoutes } from './docs/docs.routes.ts';
import { openApiDocument } from './docs/openapi-document.ts';
import type { ApiEnv } from './http/api-env.ts';
import type { KeyRing } from './http/api-key.ts';
import { authenticate } from './http/authenticate.ts';
import { allowOrigins, apiVersion } from './http/response-headers.ts';
import { deadline } from './http/deadline.ts';
import { observe } from './http/observe.ts';
import { onError, problemResponse } from './http/on-error.ts';
import { messageBatchRoutes } from './message/message-batch.routes.ts';
import { messageRoutes } from './message/message.routes.ts';
import type { MessageService } from './message/message.service.ts';
import { limitAddress, limitKey } from './rate-limit/rate-limit.ts';
import type { RateLimiters } from './rate-limit/rate-limiter.ts';
import { retentionRoutes } from './retention/retention.routes.ts';
import type { RetentionService } from './retention/retention.service.ts';
import { searchRoutes } from './search/search.routes.ts';
import type { SearchService } from './search/search.service.ts';

export interface AppDeps {
  readonly messages: MessageService;
  readonly search: SearchService;
  readonly retention: RetentionService;
  readonly health: HealthRoutesDeps;
  readonly keys: KeyRing;
  readonly limits: { readonly maxBodyBytes: number; readonly maxBatchBodyBytes: number };
  readonly metricsEnabled: boolean;
  readonly requestTimeoutMs: number;
  /** Web pages of these origins may call; none by default. */
  readonly allowedOrigins: readonly string[];
  readonly rateLimiters: RateLimiters;
  /** Proxies whose `X-Forwarded-For` tells the client's address. */
  readonly trustedProxies: BlockList;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

const openPaths = new Set(['/livez', '/readyz', '/v1/admin/health', '/v1/admin/readiness', '/openapi.json', '/docs']);

/** All routes behind their middleware: what `fetch` answers. */
export function createApp(deps: AppDeps): OpenAPIHono<ApiEnv> {
  const { limits } = deps;
  const app = new OpenAPIHono<ApiEnv>();
  app.use(requestId({ limitLength: 128 }));
  app.use(observe(deps));
  app.use(apiVersion);
  if (deps.allowedOrigins.length > 0) app.use(allowOrigins(deps.allowedOrigins));
  app.use(methodNotAllowed({ app, onMethodNotAllowed: (c, methods) => refuseMethod(c, methods) }));
  app.use(deadline(deps.requestTimeoutMs));
  const checks = [limitAddress(deps, deps.trustedProxies), authenticate(deps.keys), limitKey(deps)];
  for (const check of checks) app.use((c, next) => (isOpen(c.req.path) ? next() : check(c, next)));
  app.onError(onError(deps.logger));
  app.notFound((c) => problemResponse(new AppError('not_found', 'There is no such route.'), c));

  app.route('/', messageBatchRoutes({ service: deps.messages, maxBodyBytes: limits.maxBatchBodyBytes }));
  app.route('/', messageRoutes({ service: deps.messages, maxBodyBytes: limits.maxBodyBytes }));
  app.route('/', searchRoutes({ service: deps.search, maxBodyBytes: limits.maxBodyBytes }));
  app.route('/', retentionRoutes({ service: deps.retention, maxBodyBytes: limits.maxBodyBytes }));
  app.route('/', healthRoutes(deps.health));
  if (deps.metricsEnabled) app.route('/', metricsRoutes(deps.metrics));

  const document = openApiDocument(app, deps.health.version);
  app.get('/openapi.json', (c) => c.json(document));
  app.route('/', docsRoutes());
  return app;
}

function isOpen(path: string): boolean {
  return openPaths.has(path) || path.startsWith('/docs/');
}

function refuseMethod(c: Parameters<typeof problemResponse>[1], methods: readonly string[]): Response {
  const allow = methods.join(', ');
  const response = problemResponse(new AppError('method_not_allowed', `Allowed here: ${allow}.`), c);
  response.headers.set('allow', allow);
  return response;
}
