import { loadDotEnv } from '@memory-layer/shared/config/load-dot-env';
import { runService } from '@memory-layer/shared/service/run-service';
import { composeEmbedWorkerService } from './compose-service.ts';

loadDotEnv();
await runService(() => composeEmbedWorkerService(process.env));
