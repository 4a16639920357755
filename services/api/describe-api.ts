import { BlockList } from 'node:net';
import { loadEnv } from '@memory-layer/shared/config/load-config';
import { createLogger } from '@memory-layer/shared/observability/logger';
import { createMetrics } from '@memory-layer/shared/observability/metrics';
import { retentionPolicyEnv, toRetentionPolicyConfig } from '@memory-layer/shared/retention/retention-config';
import { createApp, type AppDeps } from './app.ts';
import { requestLimits } from './cost/request-cost.ts';
import { createKeyRing } from './keys/environment-keys.ts';
import { TimeSlicer } from './http/time-slicer.ts';

const absent = (): Promise<never> => Promise.reject(new Error('there is nothing behind this app'));
const openStream = () => (): never => {
  throw new Error('there is nothing behind this app');
};

/** Every route, key check included, with nothing behind it: no database, no queue, no model, but what is given. */
export function createBareApp(version: string, given: Partial<AppDeps> = {}) {
  return createApp({
    messages: { create: absent, openStream, createBatch: absent, getById: absent, list: absent, deleteById: absent },
    slicer: new TimeSlicer(),
    imports: {
      service: { openStream, store: absent },
      stallMs: 60_000,
      stopping: new AbortController().signal,
      linesPerGroup: 500,
      groupsAtOnce: 8,
      dueCounter: () => ({ add: absent, count: 0 }),
    },
    search: { search: absent },
    retention: { start: absent, waitForEnd: absent, getById: absent },
    embeddingFailures: { list: absent, retry: absent, retryAll: absent },
    events: { feed: { subscribe: absent }, heartbeatMs: 15_000 },
    audit: {
      isOn: true,
      includesReads: false,
      recorder: { record: () => undefined, recordRefusal: () => undefined },
      list: absent,
    },
    health: {
      service: { check: absent, notReady: absent },
      readBacklog: absent,
      retention: toRetentionPolicyConfig(loadEnv(retentionPolicyEnv, {})),
      environment: 'none',
      version,
    },
    keys: createKeyRing([]),
    tenants: { admit: async () => undefined },
    tenantService: {
      create: absent,
      list: absent,
      getWithCount: absent,
      setQuotas: absent,
      suspend: absent,
      resume: absent,
    },
    apiKeys: { create: absent, list: absent, getById: absent, rotate: absent, revoke: absent },
    limits: { maxBodyBytes: 1_048_576, maxBatchBodyBytes: 16_777_216, maxMetadataBytes: requestLimits.metadataBytes },
    metricsEnabled: true,
    requestTimeoutMs: 15_000,
    allowedOrigins: [],
    rateLimiters: {},
    readLimiter: { acquire: absent, hasOthers: () => false },
    bodyMemory: { open: () => ({ grow: () => undefined, release: () => undefined }) },
    trustedProxies: new BlockList(),
    logger: createLogger({ service: 'api', level: 'silent' }),
    metrics: createMetrics(),
    ...given,
  });
}

/** The text of docs/openapi.json: what an api answers at /openapi.json, laid out for reading. */
export async function describeApi(version: string): Promise<string> {
  const response = await createBareApp(version).request('/openapi.json');
  return `${JSON.stringify(await response.json(), null, 2)}\n`;
}
