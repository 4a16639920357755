import { loadDotEnv } from '@memory-layer/shared/config/load-dot-env';
import { runService } from '@memory-layer/shared/process/run-service';
import { composeEmbedWorkerService } from './compose-service.ts';

loadDotEnv();
await runService(() => composeEmbedWorkerService(process.env));
