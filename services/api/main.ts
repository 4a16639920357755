import { runService } from '@memory-layer/shared/service/run-service';
import { composeApiService } from './compose-service.ts';

process.exitCode = await runService(() => composeApiService(process.env));
