import type { BlockList } from 'node:net';
import { OpenAPIHono } from '@hono/zod-openapi';
import type { Logger } from '@memory-layer/shared/observability/logger';
import type { Metrics } from '@memory-layer/shared/observability/metrics';
import type { Exposition } from '@memory-layer/shared/ops/ops-server';
import { healthPaths, healthRoutes, type HealthRoutesDeps } from './admin/health.routes.ts';
import { metricsRoutes } from './admin/metrics.routes.ts';
import { auditRoutes, type ListAudit } from './audit/audit.routes.ts';
import { createRequestAudit, type AuditOriginOf, type RequestAuditDeps } from './audit/request-audit.ts';
import { docsRoutes, openApiDocument } from './docs/docs.routes.ts';
import { embeddingFailureRoutes } from './embedding-failure/embedding-failure.routes.ts';
import type { EmbeddingFailureService } from './embedding-failure/embedding-failure.service.ts';
import { eventRoutes, type EventRoutesDeps } from './events/event.routes.ts';
import type { ApiEnv } from './http/api-env.ts';
import { otherVersionOf } from './http/api-version.ts';
import { admitCaller, type Access } from './http/auth.ts';
import type { BodyMemory } from './cost/body-memory.ts';
import { FairSlots } from './cost/fair-slots.ts';
import { requestLimits } from './cost/request-cost.ts';
import { allowOrigins } from './http/cross-origin.ts';
import { deadline } from './http/deadline.ts';
import { notFound, onError } from './http/errors.ts';
import { jsonBody, largeBodiesPerKey } from './http/json-body.ts';
import { RequiredScopes } from './http/required-scopes.ts';
import { apiKeyRoutes } from './keys/api-key.routes.ts';
import type { ApiKeyService } from './keys/api-key.service.ts';
import type { CallerDirectory } from './access/caller.ts';
import { observe } from './http/observe.ts';
import { readRefused } from './http/read-refused.ts';
import { createRequestCounter } from './http/request-counter.ts';
import type { ReadLimiter } from './http/tenant-slot.ts';
import { strictQuery } from './http/strict-query.ts';
import { maxWaitSeconds as maxPreferredWaitSeconds } from './message/wait/prefer-wait.ts';
import { messageBatchRoutes } from './message/message-batch.routes.ts';
import { messageImportRoutes, type MessageImportRoutesDeps } from './message/import/message-import.routes.ts';
import { messageRoutes } from './message/message.routes.ts';
import { createMessageCreateSchema, createSingleMessageSchema } from './message/message.schemas.ts';
import type { TimeSlicer } from './http/time-slicer.ts';
import type { MessageService } from './message/message.service.ts';
import type { RateLimiters } from './rate-limit/rate-limiter.ts';
import { retentionRoutes } from './retention/retention.routes.ts';
import type { RetentionService } from './retention/retention.service.ts';
import type { TenantDirectory } from './access/tenant.ts';
import { tenantRoutes } from './tenants/tenant.routes.ts';
import type { TenantService } from './tenants/tenant.service.ts';
import { searchRoutes } from './search/search.routes.ts';
import type { SearchService } from './search/search.service.ts';

export interface AppDeps {
  readonly messages: MessageService;
  /** Shared by all that reads large bodies. */
  readonly slicer: TimeSlicer;
  readonly imports: Pick<
    MessageImportRoutesDeps,
    'service' | 'stallMs' | 'stopping' | 'linesPerGroup' | 'groupsAtOnce' | 'dueCounter'
  >;
  readonly search: SearchService;
  readonly retention: RetentionService;
  readonly embeddingFailures: EmbeddingFailureService;
  readonly events: Omit<EventRoutesDeps, 'limiter'>;
  readonly audit: Omit<RequestAuditDeps, 'addressOf'> & { readonly list: ListAudit };
  readonly health: HealthRoutesDeps;
  readonly keys: CallerDirectory;
  readonly apiKeys: ApiKeyService;
  readonly tenants: TenantDirectory;
  readonly tenantService: TenantService;
  readonly limits: RequestSizeLimits;
  readonly metricsEnabled: boolean;
  readonly requestTimeoutMs: number;
  /** Web pages of these origins may call; none by default. */
  readonly allowedOrigins: readonly string[];
  readonly rateLimiters: RateLimiters;
  readonly readLimiter: ReadLimiter;
  readonly bodyMemory: Pick<BodyMemory, 'open'>;
  /** Proxies whose `X-Forwarded-For` names the client's address. */
  readonly trustedProxies: BlockList;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** What GET /metrics answers; the metrics of this process when not given. */
  readonly exposition?: Exposition | undefined;
}

/** In bytes. */
export interface RequestSizeLimits {
  readonly maxBodyBytes: number;
  readonly maxBatchBodyBytes: number;
  /** Of the JSON text of one message's metadata. */
  readonly maxMetadataBytes: number;
}

// Most clients have sent that much by then, and it costs nothing but reading.
const refusedBodies = { maxBytes: 2 ** 20, timeoutMs: 5000 };
const probePaths = new Set(['/livez', '/readyz']);
const openPaths = new Set(['/', '/openapi.json', '/docs']);

/** All routes behind their middleware: what `fetch` answers. */
export function createApp(deps: AppDeps): OpenAPIHono<ApiEnv> {
  const app = new OpenAPIHono<ApiEnv>();
  app.use(observe({ ...deps, beforeSending: readRefused(refusedBodies) }));
  const counter = createRequestCounter(deps);
  const required = new RequiredScopes();
  if (deps.allowedOrigins.length > 0) app.use(allowOrigins({ origins: deps.allowedOrigins, counter }));
  app.use(deadline(deps.requestTimeoutMs));
  app.use(admitCaller({ ...deps, counter, accessTo, scopeOf: required.scopeOf }));
  app.use(strictQuery);
  const audit = createRequestAudit({ ...deps.audit, addressOf: counter.addressOf });
  if (audit.reads !== undefined) app.use(audit.reads);
  app.onError(onError(deps.logger, audit.onError));
  app.notFound(notFound(app));

  mountRoutes(app, deps, audit.originOf);
  required.learn(app, (path) => accessTo(path) === 'closed');
  const document = openApiDocument(app, deps.health.version);
  // Written out once: anybody may ask for it.
  const description = Buffer.from(JSON.stringify(document));
  app.get('/openapi.json', (c) => c.body(description, 200, { 'content-type': 'application/json' }));
  app.route('/', docsRoutes(deps.health.version));
  return app;
}

function mountRoutes(app: OpenAPIHono<ApiEnv>, deps: AppDeps, auditOriginOf: AuditOriginOf): void {
  const { limits } = deps;
  // The rest of the request has the last second.
  const maxWaitSeconds = Math.max(0, Math.min(maxPreferredWaitSeconds, Math.floor(deps.requestTimeoutMs / 1000) - 1));
  const { maxBodyBytes, maxMetadataBytes } = limits;
  const { readLimiter: limiter, slicer } = deps;
  const maxItemParts = requestLimits.bodyParts + maxMetadataBytes;
  const slots = new FairSlots({ count: Number.POSITIVE_INFINITY, perKey: largeBodiesPerKey });
  const readBody = jsonBody({ maxBytes: maxBodyBytes, slots, slicer, maxParts: maxItemParts });
  const readBatch = jsonBody({ maxBytes: limits.maxBatchBodyBytes, slots, slicer });
  const messageSchema = createMessageCreateSchema(maxMetadataBytes);
  const singleMessageSchema = createSingleMessageSchema(maxMetadataBytes);
  const storing = { service: deps.messages, maxWaitSeconds };
  app.route(
    '/',
    messageBatchRoutes({
      ...storing,
      messageSchema,
      limiter,
      readBody: readBatch,
      maxItemBytes: maxBodyBytes,
      maxItemParts,
      slicer,
    }),
  );
  app.route(
    '/',
    messageImportRoutes({
      ...deps.imports,
      messageSchema: createMessageCreateSchema(maxMetadataBytes, { takesExpired: true }),
      maxLineBytes: maxBodyBytes,
      maxLineParts: maxItemParts,
      maxMetadataBytes,
      slicer,
      logger: deps.logger,
    }),
  );
  app.route('/', messageRoutes({ ...storing, singleMessageSchema, limiter, readBody, auditOriginOf }));
  app.route('/', searchRoutes({ service: deps.search, limiter, readBody, maxMetadataBytes }));
  app.route('/', retentionRoutes({ service: deps.retention, limiter, readBody, auditOriginOf }));
  app.route('/', embeddingFailureRoutes({ service: deps.embeddingFailures, limiter, readBody, auditOriginOf }));
  app.route('/', apiKeyRoutes({ service: deps.apiKeys, limiter, readBody, auditOriginOf }));
  app.route('/', tenantRoutes({ service: deps.tenantService, limiter, readBody, auditOriginOf }));
  app.route('/', auditRoutes({ list: deps.audit.list, limiter, logger: deps.logger }));
  app.route('/', eventRoutes({ ...deps.events, limiter }));
  app.route('/', healthRoutes(deps.health));
  if (deps.metricsEnabled) app.route('/', metricsRoutes(deps.exposition ?? deps.metrics.registry));
}

function accessTo(path: string): Access {
  if (healthPaths.some((known) => known === path)) return 'recognised';
  if (probePaths.has(path)) return 'probe';
  return openPaths.has(path) || path.startsWith('/docs/') || otherVersionOf(path) !== undefined ? 'open' : 'closed';
}
