import { loadEnv } from '@memory-layer/shared/config/load-config';
import { describe, expect, test } from 'vitest';
import { apiEnv, toApiConfig } from './config.ts';

const configOf = (env: Record<string, string>) => toApiConfig(loadEnv(apiEnv, env));

test('rates have defaults, can be set, and can be switched off', () => {
  const defaults = configOf({}).rates;
  expect(defaults.key).toEqual({ requests: 6000, windowSeconds: 60 });
  const { rates } = configOf({
    MEMORY_GLOBAL_RATE_LIMIT: 'off',
    MEMORY_KEY_RATE_LIMIT: '5/second',
    MEMORY_TENANT_RATE_LIMIT: 'off',
  });
  expect(rates).toEqual({ address: undefined, key: { requests: 5, windowSeconds: 1 }, tenant: undefined });
});

/** By its path, each value that is no object or list. */
function leavesOf(value: unknown, path: string): [string, unknown][] {
  if (typeof value !== 'object' || value === null) return [[path, value]];
  return Object.entries(value).flatMap(([name, inner]) => leavesOf(inner, path === '' ? name : `${path}.${name}`));
}

/** What is different from the defaults, by its path. */
function changesBy(env: Record<string, string>): Record<string, unknown> {
  const defaults = new Map(leavesOf(configOf({}), ''));
  const changed = leavesOf(configOf(env), '').filter(([path, value]) => defaults.get(path) !== value);
  return Object.fromEntries(changed);
}

/** A value of each variable that is no default, and all that it changes. */
const effects: Readonly<Record<keyof typeof apiEnv, readonly [value: string, changes: Record<string, unknown>]>> = {
  MEMORY_HOST: ['::1', { host: '::1' }],
  MEMORY_PORT: ['8123', { port: 8123 }],
  MEMORY_MAX_CONNECTIONS: ['7', { 'connections.maxConnections': 7 }],
  MEMORY_MAX_CONNECTIONS_PER_ADDRESS: ['9', { 'connections.maxConnectionsPerAddress': 9 }],
  MEMORY_HEADERS_TIMEOUT_SECONDS: ['1.5', { 'connections.headersTimeoutMs': 1500 }],
  MEMORY_KEEP_ALIVE_SECONDS: ['2.5', { 'connections.keepAliveTimeoutMs': 2500 }],
  MEMORY_ANSWER_STALL_SECONDS: ['3.5', { 'connections.stallTimeoutMs': 3500 }],
  MEMORY_API_KEYS: ['a-key-of-sixteen-bytes-and-more', { 'apiKeys.0.key': 'a-key-of-sixteen-bytes-and-more' }],
  MEMORY_TENANT_CREATION: ['registered', { tenantCreation: 'registered' }],
  MEMORY_ENABLE_METRICS: ['false', { metricsEnabled: false }],
  MEMORY_REQUEST_MAX_BYTES: ['2001', { maxBodyBytes: 2001 }],
  MEMORY_BATCH_MAX_BYTES: ['2002', { maxBatchBodyBytes: 2002 }],
  MEMORY_BODY_BUFFER_BYTES: ['2000003', { 'bodyMemory.total': 2_000_003 }],
  MEMORY_KEY_BODY_BUFFER_BYTES: ['2000004', { 'bodyMemory.perKey': 2_000_004 }],
  MEMORY_METADATA_MAX_BYTES: ['2005', { maxMetadataBytes: 2005 }],
  MEMORY_INGEST_WRITERS: ['11', { 'ingest.writers': 11 }],
  MEMORY_INGEST_QUEUE_BYTES: ['2000006', { 'ingest.maxQueuedBytes': 2_000_006 }],
  MEMORY_IMPORT_STALL_SECONDS: ['4.5', { importStallMs: 4500 }],
  MEMORY_REQUEST_TIMEOUT_SECONDS: ['6', { requestTimeoutMs: 6000, retryBudgetMs: 2000 }],
  MEMORY_GLOBAL_RATE_LIMIT: ['3/hour', { 'rates.address.requests': 3, 'rates.address.windowSeconds': 3600 }],
  MEMORY_KEY_RATE_LIMIT: ['4/hour', { 'rates.key.requests': 4, 'rates.key.windowSeconds': 3600 }],
  MEMORY_TENANT_RATE_LIMIT: ['5/hour', { 'rates.tenant.requests': 5, 'rates.tenant.windowSeconds': 3600 }],
  MEMORY_TENANT_CONCURRENCY: ['3', { 'reads.perTenant': 3 }],
  MEMORY_SHARED_CONCURRENCY: ['999', { 'reads.shared': 999 }],
  MEMORY_TENANT_QUEUE: ['21', { 'reads.queuePerTenant': 21, 'reads.queueTotal': 210 }],
  MEMORY_READ_CONCURRENCY: ['22', { 'reads.total': 22 }],
  MEMORY_TRUSTED_PROXIES: ['10.0.0.0/8', { 'trustedProxies.0': '10.0.0.0/8' }],
  MEMORY_ALLOWED_ORIGINS: ['https://app.example', { 'allowedOrigins.0': 'https://app.example' }],
  MEMORY_HEALTH_EMBED_TIMEOUT_MS: ['31', { 'health.embedTimeoutMs': 31 }],
  MEMORY_HEALTH_EMBED_CACHE_MS: ['320', { 'health.embedCacheMs': 320 }],
  MEMORY_SEARCH_LANGUAGE: ['german', { searchLanguage: 'german' }],
  MEMORY_DECAY_HALF_LIFE_DAYS: ['6.5', { decayHalfLifeDays: 6.5 }],
  MEMORY_RANKING_WEIGHTS: ['decay=0.75', { 'rankingWeights.decay': 0.75 }],
  MEMORY_SEARCH_INDEX_BYTES: ['34', { searchIndexBytes: 34 }],
  MEMORY_SEARCH_VECTOR_CACHE_BYTES: ['33', { 'queryVectors.maxCacheBytes': 33 }],
  MEMORY_RERANK_PROVIDER: ['tei', { 'rerank.provider': 'tei' }],
  MEMORY_RERANK_URL: ['http://rerank.example', { 'rerank.url': 'http://rerank.example' }],
  MEMORY_RERANK_API_KEY: ['secret', { 'rerank.apiKey': 'secret' }],
  MEMORY_RERANK_MODEL_NAME: ['model', { 'rerank.modelName': 'model' }],
  MEMORY_RERANK_MODEL_PATH: ['/model', { 'rerank.modelPath': '/model' }],
  MEMORY_RERANK_CANDIDATES: ['34', { 'rerank.candidates': 34 }],
  MEMORY_RERANK_TIMEOUT_MS: ['35', { 'rerank.timeoutMs': 35 }],
  MEMORY_RETENTION_MAX_AGE_DAYS: ['30', { 'retention.defaults.maxAgeDays': 30 }],
  MEMORY_RETENTION_AGE_OF: ['created', { 'retention.defaults.ageOf': 'created' }],
  MEMORY_RETENTION_IMPORTANCE_THRESHOLD: ['0.35', { 'retention.defaults.importanceThreshold': 0.35 }],
  MEMORY_RETENTION_DELETE_AFTER_DAYS: ['90', { 'retention.defaults.deleteAfterDays': 90 }],
  MEMORY_RETENTION_SCHEDULE_SECONDS: ['3600', { 'retention.schedule.everySeconds': 3600 }],
  MEMORY_RETENTION_TENANTS: ['a%7Cb', { 'retention.schedule.tenantIds.0': 'a|b' }],
  MEMORY_AUDIT: ['off', { 'audit.isOn': false }],
  MEMORY_AUDIT_READS: ['true', { 'audit.includesReads': true }],
  MEMORY_EVENTS_POLL_MS: ['36', { 'events.pollMs': 36 }],
  MEMORY_EVENTS_MAX_STREAMS: ['37', { 'events.maxStreams': 37 }],
  MEMORY_EVENTS_MAX_STREAMS_PER_TENANT: ['38', { 'events.maxStreamsPerTenant': 38 }],
  MEMORY_EVENTS_MAX_STREAMS_PER_KEY: ['39', { 'events.maxStreamsPerKey': 39 }],
};

describe('each variable changes its own setting and no other', () => {
  test.each(Object.entries(effects))('%s', (variable, [value, changes]) => {
    expect(changesBy({ [variable]: value })).toEqual(changes);
  });

  test('none is missing here', () => {
    expect(Object.keys(effects).toSorted()).toEqual(Object.keys(apiEnv).toSorted());
  });
});
