import { availableParallelism } from 'node:os';
import { auditEnv } from '@memory-layer/shared/audit/audit-config';
import { deepFreeze } from '@memory-layer/shared/config/load-config';
import { decimal, flag, integer, list, port } from '@memory-layer/shared/config/env-fields';
import { defaultConnectionLimits, withinDescriptors } from '@memory-layer/shared/http/connection-limits';
import { serviceEmbeddingEnv, serviceEnv } from '@memory-layer/shared/process/service-config';
import { retentionPolicyEnv, toRetentionPolicyConfig } from '@memory-layer/shared/retention/retention-config';
import { z } from 'zod';
import { replicaEnv } from './replica/replica-config.ts';
import { rerankEnv, toRerankConfig } from './search/reranker/rerank-config.ts';
import { requestLimits } from './cost/request-cost.ts';
import { unreadAnswerLimits } from './cost/unread-answers.ts';
import { parseApiKeys, type ApiKey } from './keys/environment-keys.ts';
import { proxyListSchema } from './rate-limit/client-address.ts';
import { limitOf, rateSchema } from './rate-limit/rate.ts';
import { weightsFromEnv } from './search/ranking/weights.ts';

/** @public Part of this configuration's type: declarations elsewhere have to name it. */
export type { ApiKey } from './keys/environment-keys.ts';
/** @public The same. */
export type { Rate } from './rate-limit/rate.ts';
/** @public The same. */
export type { RankingWeights } from './search/query/search-request.ts';

const apiKeys = list.default([]).transform((items, context): readonly ApiKey[] => {
  const parsed = parseApiKeys(items);
  if (parsed.ok) return parsed.keys;
  context.addIssue({ code: 'custom', message: parsed.problem });
  return z.NEVER;
});

const originsSchema = z.array(
  z.union([z.literal('*'), z.url({ protocol: /^https?$/ })], {
    error: 'must be * or origins like https://app.example',
  }),
);

/** The api's variables. Names follow the service that this one replaces. */
export const apiEnv = {
  MEMORY_HOST: z.string().default('127.0.0.1'),
  MEMORY_PORT: port.default(8000),
  MEMORY_MAX_CONNECTIONS: integer(1, 1_000_000).default(defaultConnectionLimits.maxConnections),
  MEMORY_MAX_CONNECTIONS_PER_ADDRESS: integer(1, 1_000_000).default(defaultConnectionLimits.maxConnectionsPerAddress),
  MEMORY_HEADERS_TIMEOUT_SECONDS: decimal(0.1, 3600).default(defaultConnectionLimits.headersTimeoutMs / 1000),
  MEMORY_KEEP_ALIVE_SECONDS: decimal(0.1, 3600).default(defaultConnectionLimits.keepAliveTimeoutMs / 1000),
  MEMORY_ANSWER_STALL_SECONDS: decimal(0.1, 3600).default(defaultConnectionLimits.stallTimeoutMs / 1000),
  MEMORY_API_KEYS: apiKeys,
  MEMORY_TENANT_CREATION: z.enum(['auto', 'registered']).default('auto'),
  MEMORY_ENABLE_METRICS: flag.default(true),
  MEMORY_REQUEST_MAX_BYTES: integer(1024, 1_073_741_824).default(1_048_576),
  MEMORY_BATCH_MAX_BYTES: integer(1024, 1_073_741_824).default(16_777_216),
  MEMORY_BODY_BUFFER_BYTES: integer(1_048_576, 17_179_869_184).default(268_435_456),
  MEMORY_KEY_BODY_BUFFER_BYTES: integer(1_048_576, 17_179_869_184).default(67_108_864),
  MEMORY_METADATA_MAX_BYTES: integer(2, 1_048_576).default(requestLimits.metadataBytes),
  MEMORY_INGEST_WRITERS: integer(1, 100).default(4),
  MEMORY_INGEST_QUEUE_BYTES: integer(1_048_576, 17_179_869_184).default(67_108_864),
  MEMORY_IMPORT_STALL_SECONDS: decimal(1, 3600).default(60),
  MEMORY_REQUEST_TIMEOUT_SECONDS: decimal(0.1, 3600).default(15),
  MEMORY_GLOBAL_RATE_LIMIT: rateSchema.default({ requests: 12_000, windowSeconds: 60 }),
  MEMORY_KEY_RATE_LIMIT: rateSchema.default({ requests: 6000, windowSeconds: 60 }),
  MEMORY_TENANT_RATE_LIMIT: rateSchema.default({ requests: 3000, windowSeconds: 60 }),
  MEMORY_TENANT_CONCURRENCY: integer(1, 1000).default(8),
  MEMORY_SHARED_CONCURRENCY: integer(1, 1000).optional(),
  MEMORY_TENANT_QUEUE: integer(0, 100_000).default(100),
  MEMORY_READ_CONCURRENCY: integer(1, 10_000).default(16),
  MEMORY_TRUSTED_PROXIES: list.default([]).pipe(proxyListSchema),
  MEMORY_ALLOWED_ORIGINS: list.default([]).pipe(originsSchema),
  MEMORY_HEALTH_EMBED_TIMEOUT_MS: integer(10, 60_000).default(2000),
  MEMORY_HEALTH_EMBED_CACHE_MS: integer(100, 600_000).default(5000),
  MEMORY_SEARCH_LANGUAGE: z.string().max(127).default('english'),
  MEMORY_DECAY_HALF_LIFE_DAYS: decimal(0.01, 36_500).default(7),
  MEMORY_RANKING_WEIGHTS: weightsFromEnv,
  MEMORY_SEARCH_VECTOR_CACHE_BYTES: integer(0, 17_179_869_184).default(67_108_864),
  MEMORY_SEARCH_INDEX_BYTES: integer(0, 2_147_483_648).default(134_217_728),
  ...rerankEnv,
  ...retentionPolicyEnv,
  ...auditEnv,
  MEMORY_AUDIT_READS: flag.default(false),
  MEMORY_EVENTS_POLL_MS: integer(10, 60_000).default(250),
  MEMORY_EVENTS_MAX_STREAMS: integer(0, 100_000).default(1000),
  MEMORY_EVENTS_MAX_STREAMS_PER_TENANT: integer(0, 100_000).default(100),
  MEMORY_EVENTS_MAX_STREAMS_PER_KEY: integer(0, 100_000).default(100),
};

// As many as this process may use cores, whatever the machine has.
const processCount = z.union([z.literal('auto').transform(() => availableParallelism()), integer(1, 256)], {
  error: 'must be auto or a whole number from 1 to 256',
});

/** The variables of the api as a service of its own. */
export const apiServiceEnv = {
  ...serviceEnv(9464),
  ...replicaEnv,
  ...serviceEmbeddingEnv,
  ...apiEnv,
  MEMORY_API_PROCESSES: processCount.default(1),
};

export type ApiConfig = ReturnType<typeof toApiConfig>;

export function toApiConfig(env: z.output<z.ZodObject<typeof apiEnv>>) {
  return deepFreeze({
    host: env.MEMORY_HOST,
    port: env.MEMORY_PORT,
    /** What connections may hold, of any client. */
    connections: {
      maxConnections: withinDescriptors(env.MEMORY_MAX_CONNECTIONS),
      maxConnectionsPerAddress: env.MEMORY_MAX_CONNECTIONS_PER_ADDRESS,
      headersTimeoutMs: env.MEMORY_HEADERS_TIMEOUT_SECONDS * 1000,
      keepAliveTimeoutMs: env.MEMORY_KEEP_ALIVE_SECONDS * 1000,
      stallTimeoutMs: env.MEMORY_ANSWER_STALL_SECONDS * 1000,
    },
    apiKeys: env.MEMORY_API_KEYS,
    /** Who makes a tenant: its first message, or an administrator alone. */
    tenantCreation: env.MEMORY_TENANT_CREATION,
    metricsEnabled: env.MEMORY_ENABLE_METRICS,
    requestTimeoutMs: env.MEMORY_REQUEST_TIMEOUT_SECONDS * 1000,
    /** Requests of one address, one key and one tenant; undefined: not limited. */
    rates: {
      address: limitOf(env.MEMORY_GLOBAL_RATE_LIMIT),
      key: limitOf(env.MEMORY_KEY_RATE_LIMIT),
      tenant: limitOf(env.MEMORY_TENANT_RATE_LIMIT),
    },
    /** Searches and other reads at a time, in cost units, and how many may wait. */
    reads: {
      perTenant: env.MEMORY_TENANT_CONCURRENCY,
      shared: env.MEMORY_SHARED_CONCURRENCY ?? Math.min(16, Math.max(4, availableParallelism())),
      queuePerTenant: env.MEMORY_TENANT_QUEUE,
      total: env.MEMORY_READ_CONCURRENCY,
      queueTotal: 10 * env.MEMORY_TENANT_QUEUE,
    },
    trustedProxies: env.MEMORY_TRUSTED_PROXIES,
    allowedOrigins: env.MEMORY_ALLOWED_ORIGINS,
    /** How health tests the embedder. */
    health: { embedTimeoutMs: env.MEMORY_HEALTH_EMBED_TIMEOUT_MS, embedCacheMs: env.MEMORY_HEALTH_EMBED_CACHE_MS },
    maxBodyBytes: env.MEMORY_REQUEST_MAX_BYTES,
    maxBatchBodyBytes: env.MEMORY_BATCH_MAX_BYTES,
    /** Bodies that are read or worked on at a time. */
    bodyMemory: { perKey: env.MEMORY_KEY_BODY_BUFFER_BYTES, total: env.MEMORY_BODY_BUFFER_BYTES },
    /** Answers that their clients have not read. */
    unreadAnswers: { ...unreadAnswerLimits },
    /** Of the JSON text of one message's metadata. */
    maxMetadataBytes: env.MEMORY_METADATA_MAX_BYTES,
    /** How messages are written to the database. */
    ingest: { writers: env.MEMORY_INGEST_WRITERS, maxQueuedBytes: env.MEMORY_INGEST_QUEUE_BYTES },
    /** A stream whose client sends nothing for this long is ended. */
    importStallMs: env.MEMORY_IMPORT_STALL_SECONDS * 1000,
    /** Name of a text search configuration of PostgreSQL: whether the database has it is seen at start. */
    searchLanguage: env.MEMORY_SEARCH_LANGUAGE,
    decayHalfLifeDays: env.MEMORY_DECAY_HALF_LIFE_DAYS,
    rankingWeights: env.MEMORY_RANKING_WEIGHTS,
    /** Vectors of queries that were asked before. */
    queryVectors: { maxCacheBytes: env.MEMORY_SEARCH_VECTOR_CACHE_BYTES },
    /** Of the tenants that are searched in memory. */
    searchIndexBytes: env.MEMORY_SEARCH_INDEX_BYTES,
    rerank: toRerankConfig(env),
    /** Streams of events. */
    events: {
      pollMs: env.MEMORY_EVENTS_POLL_MS,
      maxStreams: env.MEMORY_EVENTS_MAX_STREAMS,
      maxStreamsPerTenant: env.MEMORY_EVENTS_MAX_STREAMS_PER_TENANT,
      maxStreamsPerKey: env.MEMORY_EVENTS_MAX_STREAMS_PER_KEY,
      heartbeatMs: 15_000,
    },
    /** Whether the audit log is written, and with reads. */
    audit: { isOn: env.MEMORY_AUDIT === 'on', includesReads: env.MEMORY_AUDIT_READS },
    /** What retention workers go by, for those who ask. */
    retention: toRetentionPolicyConfig(env),
    /** How long POST /v1/admin/retention/run waits for its run to end. */
    retentionWaitMs: 10_000,
    /** A request that retries many failed messages ends after this long, and says how far it came. */
    retryBudgetMs: (env.MEMORY_REQUEST_TIMEOUT_SECONDS * 1000) / 3,
    /** Under load a tenant's workers are notified twenty times a second, not with every message. */
    notifierQuietMs: 50,
  });
}
