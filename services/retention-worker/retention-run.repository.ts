import { appendAuditEvent } from '@memory-layer/shared/audit/append-audit-events.sql';
import type { AuditOrigin } from '@memory-layer/shared/audit/audit-event';
import type { AuditOutcome, RetentionAction, Schema } from '@memory-layer/shared/db/schema';
import type { Kysely, Transaction } from 'kysely';
import type { RetentionCounts } from './archive/batch.ts';

/** A run that this worker is carrying out, until it ends it, hands it back, or is taken for dead. */
export interface ClaimedRun {
  readonly tenantId: string;
  readonly runId: string;
  readonly actions: readonly RetentionAction[];
  readonly dryRun: boolean;
  /** Distinguishes this claim from a later one of another worker. */
  readonly startedAt: Date;
}

/** The run is no longer this worker's: somebody else took it over, or it was erased. Nothing more may be done for it. */
export class RunLostError extends Error {
  override readonly name = 'RunLostError';
}

export type RetentionRunRepository = ReturnType<typeof createRetentionRunRepository>;

/**
 * The rows of `retention_run`: the truth about what was asked for and how far it got.
 *
 * @param audit whom the audit log names at the end of a run; undefined: nothing is written to it.
 */
export function createRetentionRunRepository(db: Kysely<Schema>, audit: AuditOrigin | undefined) {
  return {
    /** Takes a run that waits, or one whose worker started before `staleBefore` and never ended it. */
    async claim(tenantId: string, runId: string, now: Date, staleBefore: Date): Promise<ClaimedRun | undefined> {
      const row = await db
        .updateTable('retention_run')
        .set({ state: 'running', started_at: now, error: null })
        .where('tenant_id', '=', tenantId)
        .where('run_id', '=', runId)
        .where((eb) =>
          eb.or([
            eb('state', '=', 'queued'),
            eb.and([eb('state', '=', 'running'), eb('started_at', '<', staleBefore)]),
          ]),
        )
        .returning(['actions', 'dry_run'])
        .executeTakeFirst();
      return row && { tenantId, runId, actions: row.actions, dryRun: row.dry_run, startedAt: now };
    },

    /** @throws RunLostError */
    async complete(run: ClaimedRun, now: Date): Promise<RetentionCounts> {
      return db
        .transaction()
        .execute((transaction) =>
          end(transaction, { run, outcome: 'success', columns: { state: 'completed', finished_at: now }, audit }),
        );
    },

    /** @throws RunLostError */
    async fail(run: ClaimedRun, now: Date, error: string): Promise<void> {
      await db
        .transaction()
        .execute((transaction) =>
          end(transaction, { run, outcome: 'failed', columns: { state: 'failed', finished_at: now, error }, audit }),
        );
    },

    /** Lets another worker go on with the run. Its counts stay. */
    async handBack(run: ClaimedRun): Promise<void> {
      await selectClaim(db, run).set({ state: 'queued' }).execute();
    },

    /** Sets the counts of a dry run. @throws RunLostError */
    async setCounts(run: ClaimedRun, counts: RetentionCounts): Promise<void> {
      const result = await selectClaim(db, run).set(counts).executeTakeFirst();
      if (result.numUpdatedRows === 0n) throw new RunLostError();
    },
  };
}

interface RunEnd {
  readonly run: ClaimedRun;
  readonly columns: { readonly state: 'completed' | 'failed'; readonly finished_at: Date; readonly error?: string };
  readonly outcome: AuditOutcome;
  readonly audit: AuditOrigin | undefined;
}

/** One entry of the audit log for all that the run did; none for one that found nothing to do. */
async function end(db: Transaction<Schema>, { run, columns, outcome, audit }: RunEnd): Promise<RetentionCounts> {
  const counts = await selectClaim(db, run).set(columns).returning(['archived', 'deleted']).executeTakeFirst();
  if (counts === undefined) throw new RunLostError();
  const { tenantId, runId: objectId, actions, dryRun } = run;
  const hasChanged = !dryRun && counts.archived + counts.deleted > 0;
  if (hasChanged || outcome === 'failed') {
    const changes = { actions, dry_run: dryRun, archived: counts.archived, deleted: counts.deleted };
    const entry = { tenantId, action: 'retention.complete', objectType: 'retention_run', objectId } as const;
    await appendAuditEvent(db, audit, { ...entry, outcome, changes });
  }
  return counts;
}

/**
 * Adds to the counts of a run. In one transaction with the batch that is counted, it also makes sure that
 * only the holder of the run does anything.
 *
 * @throws RunLostError
 */
export async function addCounts(db: Kysely<Schema>, run: ClaimedRun, counts: RetentionCounts): Promise<void> {
  const result = await selectClaim(db, run)
    .set((eb) => ({
      archived: eb('archived', '+', counts.archived),
      deleted: eb('deleted', '+', counts.deleted),
    }))
    .executeTakeFirst();
  if (result.numUpdatedRows === 0n) throw new RunLostError();
}

function selectClaim(db: Kysely<Schema>, run: ClaimedRun) {
  return db
    .updateTable('retention_run')
    .where('tenant_id', '=', run.tenantId)
    .where('run_id', '=', run.runId)
    .where('state', '=', 'running')
    .where('started_at', '=', run.startedAt);
}
