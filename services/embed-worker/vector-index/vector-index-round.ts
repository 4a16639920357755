import type { Generation } from '@memory-layer/shared/generation/generation.repository';
import type { Clock } from '@memory-layer/shared/lifecycle/clock';
import type { Logger } from '@memory-layer/shared/observability/logger';
import type { TenantRota } from './tenant-rota.ts';
import type { VectorCensusRepository } from './vector-census.repository.ts';
import type { VectorIndexConfig } from './vector-index-config.ts';
import type { VectorIndexRepository } from './vector-index.repository.ts';
import { createVectorIndexService, type VectorIndexEvents } from './vector-index.service.ts';

export interface RoundEvents extends Pick<VectorIndexEvents, 'built' | 'failed'> {
  /** Most vectors that are searched exactly, of the tenants with an index that a round looked at. */
  readonly longestTail: (vectors: number) => void;
}

export interface RoundDeps {
  readonly indexes: VectorIndexRepository;
  readonly census: VectorCensusRepository;
  readonly config: Pick<VectorIndexConfig, 'limits'>;
  readonly generation: () => Generation;
  readonly rota: TenantRota;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: RoundEvents;
  readonly signal: AbortSignal;
}

/**
 * What a keeper does while it holds the lock: removes leftovers, then goes from tenant to tenant until one had
 * something to do, so that other processes get their turn.
 */
export async function runRound(deps: RoundDeps): Promise<void> {
  const { rota, census } = deps;
  let longest = 0;
  const service = createVectorIndexService({
    ...deps,
    generation: deps.generation(),
    limits: deps.config.limits,
    events: { ...deps.events, tail: (vectors) => void (longest = Math.max(longest, vectors)) },
  });
  await service.reconcile();
  for (const tenantId of await rota.next((after, limit) => census.listTenants(after, limit))) {
    if (deps.signal.aborted) return;
    try {
      const hadWork = await service.tend(tenantId);
      if (hadWork) rota.again(tenantId);
      else rota.done(tenantId);
      if (hadWork) break;
    } catch (error) {
      rota.pause(tenantId);
      throw error;
    }
  }
  deps.events.longestTail(longest);
}
