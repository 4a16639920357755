import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { version } from '../version.ts';
import { apiMetrics } from './metrics-api.ts';
import { stateMetrics } from './metrics-state.ts';
import { workerMetrics } from './metrics-worker.ts';

export type Metrics = ReturnType<typeof createMetrics>;

/**
 * Every metric of the system, on a registry of its own, with those of Node and of the process. Label values come from
 * closed sets (route pattern, role, outcome): never a tenant, an id or a raw path. The names are API; a test pins them.
 */
export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const build = new Gauge({
    name: 'memory_build_info',
    help: 'Always 1; the label says which release this is.',
    aggregator: 'first',
    labelNames: ['version'] as const,
    registers,
  });
  build.set({ version }, 1);
  return { registry, ...apiMetrics(registers), ...workerMetrics(registers), watch: stateMetrics(registers) };
}
