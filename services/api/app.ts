import type { BlockList } from 'node:net';
import { OpenAPIHono } from '@hono/zod-openapi';
import { AppError } from '@memory-layer/shared/errors/app-error';
import type { Logger } from '@memory-layer/shared/observability/logger';
import type { Metrics } from '@memory-layer/shared/observability/metrics';
import { every } from 'hono/combine';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { healthPaths, healthRoutes, type HealthRoutesDeps } from './admin/health.routes.ts';
import { metricsRoutes } from './admin/metrics.routes.ts';
import { docsRoutes } from './docs/docs.routes.ts';
import { openApiDocument } from './docs/openapi-document.ts';
import { embeddingFailureRoutes } from './embedding-failure/embedding-failure.routes.ts';
import type { EmbeddingFailureService } from './embedding-failure/embedding-failure.service.ts';
import { eventRoutes, type EventRoutesDeps } from './events/event.routes.ts';
import type { ApiEnv } from './http/api-env.ts';
import type { KeyRing } from './http/api-key.ts';
import { authenticate, presentedKey, recognise } from './http/authenticate.ts';
import { allowOrigins, apiVersion } from './http/response-headers.ts';
import { deadline } from './http/deadline.ts';
import { observe } from './http/observe.ts';
import { requestId } from './http/request-id.ts';
import { onError, problemResponse } from './http/on-error.ts';
import { maxWaitSeconds as maxPreferredWaitSeconds } from './message-wait/prefer-wait.ts';
import { messageBatchRoutes } from './message/message-batch.routes.ts';
import { messageImportRoutes, type MessageImportRoutesDeps } from './message/import/message-import.routes.ts';
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
  readonly imports: Pick<MessageImportRoutesDeps, 'service' | 'stallMs' | 'stopping'>;
  readonly search: SearchService;
  readonly retention: RetentionService;
  readonly embeddingFailures: EmbeddingFailureService;
  readonly events: EventRoutesDeps;
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

const openPaths = new Set(['/livez', '/readyz', ...healthPaths, '/openapi.json', '/docs']);

/** All routes behind their middleware: what `fetch` answers. */
export function createApp(deps: AppDeps): OpenAPIHono<ApiEnv> {
  const { limits } = deps;
  // The rest of the request has the last second.
  const maxWaitSeconds = Math.max(0, Math.min(maxPreferredWaitSeconds, Math.floor(deps.requestTimeoutMs / 1000) - 1));
  const app = new OpenAPIHono<ApiEnv>();
  app.use(requestId);
  app.use(observe(deps));
  app.use(apiVersion);
  if (deps.allowedOrigins.length > 0) app.use(allowOrigins(deps.allowedOrigins));
  app.use(methodNotAllowed({ app, onMethodNotAllowed: (c, methods) => refuseMethod(c, methods) }));
  app.use(deadline(deps.requestTimeoutMs));
  const countAddress = limitAddress(deps, deps.trustedProxies);
  const checks = [countAddress, authenticate(deps.keys), limitKey(deps)];
  for (const check of checks) app.use((c, next) => (isOpen(c.req.path) ? next() : check(c, next)));
  // Counted where a key is sent: what health says tells whether it is a known one.
  const recogniseCaller = every(countAddress, recognise(deps.keys));
  app.use((c, next) => (isHealth(c.req.path) && presentedKey(c) !== undefined ? recogniseCaller(c, next) : next()));
  app.onError(onError(deps.logger));
  app.notFound((c) => problemResponse(new AppError('not_found', 'There is no such route.'), c));

  app.route('/', messageBatchRoutes({ service: deps.messages, maxBodyBytes: limits.maxBatchBodyBytes, maxWaitSeconds }));
  app.route(
    '/',
    messageImportRoutes({ ...deps.imports, maxLineBytes: limits.maxBodyBytes, logger: deps.logger }),
  );
  app.route('/', messageRoutes({ service: deps.messages, maxBodyBytes: limits.maxBodyBytes, maxWaitSeconds }));
  app.route('/', searchRoutes({ service: deps.search, maxBodyBytes: limits.maxBodyBytes }));
  app.route('/', retentionRoutes({ service: deps.retention, maxBodyBytes: limits.maxBodyBytes }));
  app.route('/', embeddingFailureRoutes({ service: deps.embeddingFailures, maxBodyBytes: limits.maxBodyBytes }));
  app.route('/', eventRoutes(deps.events));
  app.route('/', healthRoutes(deps.health));
  if (deps.metricsEnabled) app.route('/', metricsRoutes(deps.metrics));

  const document = openApiDocument(app, deps.health.version);
  app.get('/openapi.json', (c) => c.json(document));
  app.route('/', docsRoutes());
  return app;
}

function isHealth(path: string): boolean {
  return healthPaths.some((known) => known === path);
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
