import type { Database } from '@memory-layer/shared/db/database';
import type { Schema } from '@memory-layer/shared/db/schema';
import type { Generation } from '@memory-layer/shared/generation/generation.repository';
import type { Clock } from '@memory-layer/shared/lifecycle/clock';
import type { Component } from '@memory-layer/shared/lifecycle/component';
import { createRepeatingTask } from '@memory-layer/shared/lifecycle/repeating-task';
import type { Logger } from '@memory-layer/shared/observability/logger';
import { sql, type Kysely } from 'kysely';
import { TenantRota } from './tenant-rota.ts';
import { createVectorCensusRepository } from './vector-census.repository.ts';
import type { VectorIndexConfig } from './vector-index-config.ts';
import { runRound, type RoundEvents } from './vector-index-round.ts';
import { createVectorIndexRepository } from './vector-index.repository.ts';

export interface VectorIndexKeeperDeps {
  readonly config: VectorIndexConfig;
  /** A pool of one connection, on a server: a build takes minutes, and the lock lives in its session. */
  readonly database: Database;
  /** For cancelling a build at stop. */
  readonly db: Kysely<Schema>;
  readonly generation: () => Generation;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: RoundEvents;
}

export interface VectorIndexKeeper extends Component {
  /** Tells of vectors that were written, so that a tenant that grows fast is looked at soon. */
  noteWritten(tenantId: string, vectors: number): void;
}

/**
 * Keeps the indexes of large tenants in the background. Of all processes one is at work at a time, under an advisory
 * lock; it builds one index, then lets others have their turn. Every index is an optimisation: whatever is missing,
 * search finds the same by reading more.
 */
export function createVectorIndexKeeper(deps: VectorIndexKeeperDeps): VectorIndexKeeper {
  const { config, database, db, logger } = deps;
  const rota = new TenantRota({ ...config.rota, clock: deps.clock });
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
        await runRound({ ...deps, indexes, census: createVectorCensusRepository(session), rota, signal });
      } finally {
        sessionPid = undefined;
        await indexes.unlock();
      }
    });
  }

  const task = createRepeatingTask({
    id: 'vector-index-keeper',
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
      await sql`select pg_cancel_backend(${sessionPid})`.execute(db);
    } catch (error) {
      logger.warn({ err: error }, 'vector index build not cancelled');
    }
  }

  return {
    id: task.id,
    noteWritten: (tenantId, vectors) => rota.note(tenantId, vectors),
    /** Does not wait for the first round, which may build for minutes. */
    async start() {
      void task.start();
    },
    /** A build under way is cancelled; the next keeper removes what is left of it. */
    stop,
  };
}
