import cluster from 'node:cluster';
import { loadEnv } from '@memory-layer/shared/config/load-config';
import { loadDotEnv, withDotEnv } from '@memory-layer/shared/config/load-dot-env';
import { runService, type Service } from '@memory-layer/shared/process/run-service';
import { composeApiService, composeProcesses } from './compose-service.ts';
import { apiServiceEnv } from './config.ts';
import { placeOf } from './processes/process-place.ts';

function composeMain(): Service {
  // The first of several processes leaves the file to the others, which read it when they are started.
  const env = withDotEnv(process.env);
  return cluster.isPrimary && loadEnv(apiServiceEnv, env).MEMORY_API_PROCESSES > 1
    ? composeProcesses(env)
    : composeAlone();
}

function composeAlone(): Service {
  loadDotEnv();
  return composeApiService(process.env, placeOf(process.env));
}

await runService(composeMain);
