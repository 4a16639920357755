import { loadDotEnv } from '@memory-layer/shared/config/load-dot-env';
import { runService } from '@memory-layer/shared/process/run-service';
import { composeRetentionService } from './compose-service.ts';

loadDotEnv();
await runService(() => composeRetentionService(process.env));
