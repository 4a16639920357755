import type { Database } from '@memory-layer/shared/db/database';
import type { TenantPartitions } from '@memory-layer/shared/db/tenant-partitions.repository';
import type { Generation } from '@memory-layer/shared/generation/generation.repository';
import type { Clock } from '@memory-layer/shared/lifecycle/clock';
import type { Component } from '@memory-layer/shared/lifecycle/component';
import { createRepeatingTask } from '@memory-layer/shared/lifecycle/repeating-task';
import type { Logger } from '@memory-layer/shared/observability/logger';
import { TenantScheduler } from './tenant-scheduler.ts';
import { createVectorCountsRepository, type VectorCountsRepository } from './vector-counts.repository.ts';
import type { VectorIndexConfig } from './vector-index-config.ts';
import { createVectorIndexRepository, type VectorIndexRepository } from './vector-index.repository.ts';
import { createVectorIndexService, type VectorIndexEvents } from './vector-index.service.ts';

export interface VectorIndexMaintainerEvents extends Pick<VectorIndexEvents, 'built' | 'failed'> {
  /** Most vectors that are searched exactly, of the tenants with an index that a round looked at. */
  readonly longestTail: (vectors: number) => void;
}

export interface VectorIndexMaintainerDeps {
  readonly config: VectorIndexConfig;
  /** A pool of one connection, on a server: a build takes minutes, and the lock lives in its session. */
  readonly database: Database;
  /** For cancelling a build at stop. */
  readonly db: Database['queries'];
  readonly partitions: Pick<TenantPartitions, 'get'>;
  readonly generation: () => Generation;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: VectorIndexMaintainerEvents;
}

export interface VectorIndexMaintainer extends Component {
  /** Called with what was written, so that a tenant that grows fast is looked at soon. */
  readonly noteWritten: (tenantId: string, messages: number) => void;
}

/**
 * Keeps the indexes of large tenants in the background. Of all processes one is at work at a time, under an advisory
 * lock; it builds one index, then lets others have their turn. Every index is an optimisation: whatever is missing,
 * search finds the same by reading more.
 */
export function createVectorIndexMaintainer(deps: VectorIndexMaintainerDeps): VectorIndexMaintainer {
  const { config, database, db, logger } = deps;
  const scheduler = new TenantScheduler({ ...config.scheduler, clock: deps.clock });
  const stopping = new AbortController();
  const { signal } = stopping;
  let sessionPid: number | undefined;

  async function round(): Promise<void> {
    if (signal.aborted) return;
    await database.queries.connection().execute(async (session) => {
      const indexes = createVectorIndexRepository(session);
      sessionPid = await indexes.tryLock(config.build);
      if (sessionPid === undefined) return;
      try {
        await runRound({ ...deps, indexes, vectorCounts: createVectorCountsRepository(session), scheduler, signal });
      } finally {
        sessionPid = undefined;
        await indexes.unlock();
      }
    });
  }

  const task = createRepeatingTask({
    id: 'vector-index-maintainer',
    run: round,
    everyMs: config.everyMs,
    onError: (error) => {
      if (!signal.aborted) logger.warn({ err: error }, 'vector index round failed');
    },
  });

  async function stop(): Promise<void> {
    stopping.abort();
    // Again and again: the statement that was cancelled may not have been the one that takes long.
    const cancelling = setInterval(() => void cancelStatement(), 500);
    await cancelStatement();
    await task.stop();
    clearInterval(cancelling);
  }

  async function cancelStatement(): Promise<void> {
    if (sessionPid === undefined) return;
    try {
      await createVectorIndexRepository(db).cancelStatement(sessionPid);
    } catch (error) {
      logger.warn({ err: error }, 'vector index build not cancelled');
    }
  }

  return {
    id: task.id,
    noteWritten: (tenantId, messages) => scheduler.note(tenantId, messages),
    /** Does not wait for the first round, which may build for minutes. */
    async start() {
      void task.start();
    },
    /** A build under way is cancelled; the next maintainer removes what is left of it. */
    stop,
  };
}

interface RoundDeps extends Pick<
  VectorIndexMaintainerDeps,
  'config' | 'partitions' | 'generation' | 'clock' | 'logger' | 'events'
> {
  readonly indexes: VectorIndexRepository;
  readonly vectorCounts: VectorCountsRepository;
  readonly scheduler: TenantScheduler;
  readonly signal: AbortSignal;
}

/**
 * What a maintainer does while it holds the lock: removes leftovers, then goes from tenant to tenant until one had
 * something to do, so that other processes get their turn.
 */
async function runRound(deps: RoundDeps): Promise<void> {
  const { scheduler, vectorCounts } = deps;
  let longest = 0;
  const service = createVectorIndexService({
    ...deps,
    generation: deps.generation(),
    limits: deps.config.limits,
    events: { ...deps.events, tail: (vectors) => void (longest = Math.max(longest, vectors)) },
  });
  await service.reconcile();
  for (const tenantId of await scheduler.next((after, limit) => vectorCounts.listTenants(after, limit))) {
    if (deps.signal.aborted) return;
    try {
      const hadWork = await service.maintain(tenantId);
      if (hadWork) scheduler.again(tenantId);
      else scheduler.done(tenantId);
      if (hadWork) break;
    } catch (error) {
      scheduler.pause(tenantId);
      throw error;
    }
  }
  deps.events.longestTail(longest);
}
