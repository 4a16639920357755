import { runService } from '@memory-layer/shared/service/run-service';
import { composeEmbedWorkerService } from './compose-service.ts';

process.exitCode = await runService(() => composeEmbedWorkerService(process.env));
