import { z } from 'zod';
import { port } from '../config/env-fields.ts';
import { deepFreeze } from '../config/load-config.ts';

/** The variables of the ops listener. Loopback by default: it answers without a key. */
export function opsEnv(defaultPort: number) {
  return {
    MEMORY_OPS_HOST: z.string().default('127.0.0.1'),
    MEMORY_OPS_PORT: port.default(defaultPort),
  };
}

export type OpsConfig = ReturnType<typeof toOpsConfig>;

export function toOpsConfig(env: z.output<z.ZodObject<ReturnType<typeof opsEnv>>>) {
  return deepFreeze({ host: env.MEMORY_OPS_HOST, port: env.MEMORY_OPS_PORT });
}
