import { runService } from '@memory-layer/shared/service/run-service';
import { composeRetentionService } from './compose-service.ts';

process.exitCode = await runService(() => composeRetentionService(process.env));
