import { loadEnv } from '@memory-layer/shared/config/load-config';
import { Readiness } from '@memory-layer/shared/lifecycle/readiness';
import { OpsServer } from '@memory-layer/shared/ops/ops-server';
import type { Service } from '@memory-layer/shared/process/run-service';
import { toServiceConfig } from '@memory-layer/shared/process/service-config';
import { createServiceResources } from '@memory-layer/shared/process/service-resources';
import { composeRetentionWorker } from './compose.ts';
import { retentionServiceEnv, toRetentionConfig } from './config.ts';

/**
 * The retention worker as a process of its own.
 *
 * @throws ConfigError naming every variable that is wrong.
 */
export function composeRetentionService(env: Readonly<Record<string, string | undefined>>): Service {
  const values = loadEnv(retentionServiceEnv, env);
  const config = toServiceConfig(values);
  const resources = createServiceResources('retention-worker', config);
  const { database, queues, metrics } = resources;
  const readiness = new Readiness();
  const worker = composeRetentionWorker(toRetentionConfig(values), { ...resources, readiness });
  const ops = new OpsServer(config.ops, { readiness, needed: [database], metrics });
  return { config, resources, components: [ops, database, queues, worker] };
}
