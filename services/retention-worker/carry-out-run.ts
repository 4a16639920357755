import { isDeepStrictEqual } from 'node:util';
import type { RetentionAction } from '@memory-layer/shared/db/schema';
import type { BatchOutcome, BatchRequest, Position, RetentionCounts } from './archive/batch.ts';
import {
  cutoffsAt,
  resolvePolicy,
  type PolicyDefaults,
  type RetentionPolicy,
} from '@memory-layer/shared/retention/retention-policy';
import type { ClaimedRun } from './retention-run.repository.ts';
import type { RetentionRepository } from './retention.repository.ts';

export interface RunExecution {
  readonly run: ClaimedRun;
  /** Aborted: no further batch is begun, and the reason is thrown. */
  readonly signal: AbortSignal;
  readonly retention: RetentionRepository;
  readonly defaults: PolicyDefaults;
  /** Rows that one transaction archives or deletes at most. */
  readonly batchSize: number;
  /** Called for each batch that was committed. */
  readonly onRows: (action: RetentionAction, rows: number) => void;
}

const archiveReasons = ['age', 'max_items'] as const;
const deletables = ['expired', 'expired-copies', 'old-copies'] as const;

/** Archives and deletes what the run's actions cover; what has expired is deleted, whatever the policy. Running it again goes on where it was left. */
export async function carryOutRun(execution: RunExecution): Promise<void> {
  const { actions } = execution.run;
  if (actions.includes('archive')) await archive(execution);
  if (actions.includes('delete')) await deleteArchived(execution);
}

/** What `carryOutRun` would do now. Changes nothing. */
export async function countRun(execution: RunExecution): Promise<RetentionCounts> {
  const { run, retention } = execution;
  const policy = await readPolicy(execution);
  if (policy.legalHold) return { archived: 0, deleted: 0 };
  return retention.countDue({ tenantId: run.tenantId, policy, cutoffs: cutoffsAt(policy, run.startedAt) }, run.actions);
}

async function archive(execution: RunExecution): Promise<void> {
  for (const reason of archiveReasons) {
    await repeat(execution, async (request) => {
      if (reason === 'max_items' && request.policy.maxItems === undefined) return { rows: 0, next: undefined };
      const outcome = await execution.retention.archiveBatch(execution.run, { ...request, reason });
      execution.onRows('archive', outcome.rows);
      return outcome;
    });
  }
}

async function deleteArchived(execution: RunExecution): Promise<void> {
  for (const what of deletables) {
    await repeat(execution, async (request) => {
      const outcome = await execution.retention.deleteBatch(execution.run, { ...request, what });
      execution.onRows('delete', outcome.rows);
      return outcome;
    });
  }
}

/**
 * Batch after batch until nothing is left, each under the policy and holds of its own moment, all at the
 * instant the run began. After a change of policy the pass starts over: rows behind it may now be due.
 */
async function repeat(
  execution: RunExecution,
  takeBatch: (request: BatchRequest) => Promise<BatchOutcome>,
): Promise<void> {
  const { run, signal, batchSize } = execution;
  let position: Position | undefined;
  let previous: RetentionPolicy | undefined;
  do {
    signal.throwIfAborted();
    const policy = await readPolicy(execution);
    if (policy.legalHold) return;
    const after = isDeepStrictEqual(policy, previous) ? position : undefined;
    const cutoffs = cutoffsAt(policy, run.startedAt);
    const outcome = await takeBatch({ tenantId: run.tenantId, policy, cutoffs, after, limit: batchSize });
    position = outcome.next;
    previous = policy;
  } while (position !== undefined);
}

async function readPolicy({ run, retention, defaults }: RunExecution): Promise<RetentionPolicy> {
  return resolvePolicy(await retention.findPolicy(run.tenantId), defaults);
}
