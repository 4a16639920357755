import type { RetentionAction, Schema } from '@memory-layer/shared/db/schema';
import { createRetentionPolicyRepository } from '@memory-layer/shared/retention/retention-policy.repository';
import type { Kysely } from 'kysely';
import type { ArchiveRequest, BatchOutcome, DeleteRequest, RetentionCounts, Scope } from './archive/batch.ts';
import { archiveBatch, deleteBatch } from './archive/batch.sql.ts';
import { countDue } from './archive/count-due.sql.ts';
import type { StoredPolicy } from '@memory-layer/shared/retention/retention-policy';
import { addCounts, type ClaimedRun } from './retention-run.repository.ts';

export type RetentionRepository = ReturnType<typeof createRetentionRepository>;

/** What a run reads and does. Each batch is one transaction, in which the run's counts go along. */
export function createRetentionRepository(db: Kysely<Schema>) {
  const policies = createRetentionPolicyRepository(db);
  return {
    /** Undefined for a tenant that set nothing. */
    async findPolicy(tenantId: string): Promise<StoredPolicy | undefined> {
      return (await policies.findAll([tenantId])).get(tenantId);
    },

    /** @throws RunLostError, and then nothing was archived. */
    async archiveBatch(run: ClaimedRun, request: ArchiveRequest): Promise<BatchOutcome> {
      return db.transaction().execute(async (transaction) => {
        const outcome = await archiveBatch(transaction, request);
        await addCounts(transaction, run, { archived: outcome.rows, deleted: 0 });
        return outcome;
      });
    },

    /** @throws RunLostError, and then nothing was deleted. */
    async deleteBatch(run: ClaimedRun, request: DeleteRequest): Promise<BatchOutcome> {
      return db.transaction().execute(async (transaction) => {
        const outcome = await deleteBatch(transaction, request);
        await addCounts(transaction, run, { archived: 0, deleted: outcome.rows });
        return outcome;
      });
    },

    async countDue(scope: Scope, actions: readonly RetentionAction[]): Promise<RetentionCounts> {
      return countDue(db, scope, actions);
    },
  };
}
