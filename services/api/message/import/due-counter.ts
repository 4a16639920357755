import type { Clock } from '@memory-layer/shared/lifecycle/clock';
import type { Logger } from '@memory-layer/shared/observability/logger';
import type { RetentionSchedule } from '@memory-layer/shared/retention/retention-config';
import {
  cutoffsAt,
  isOld,
  resolvePolicy,
  type PolicyDefaults,
  type RetentionPolicy,
} from '@memory-layer/shared/retention/retention-policy';
import type { RetentionPolicyRepository } from '@memory-layer/shared/retention/retention-policy.repository';
import type { StoredMessage } from '../message.ts';

export interface DueCounterDeps {
  readonly policies: RetentionPolicyRepository;
  readonly defaults: PolicyDefaults;
  readonly schedule: RetentionSchedule;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Counts the messages of one import that the next scheduled run archives for their age or importance. */
export interface DueCounter {
  /** Never rejects: the messages are stored even when a policy cannot be read. */
  add(messages: readonly StoredMessage[]): Promise<void>;
  /** Null once a policy could not be read. */
  readonly count: number | null;
}

/** Tenants whose policies are cached at most. */
const maxTenants = 10_000;

/**
 * Applies the policy of each message's tenant, at the latest time of the next run. It does not foresee `max_items`, the
 * legal hold of a conversation, or a change before that run.
 */
export function createDueCounter(deps: DueCounterDeps): DueCounter {
  const { policies, defaults, schedule, clock, logger } = deps;
  const known = new Map<string, RetentionPolicy>();
  const scheduled = schedule.tenantIds && new Set(schedule.tenantIds);
  let count: number | null = 0;

  async function readPolicies(tenantIds: ReadonlySet<string>): Promise<void> {
    const unknown = [...tenantIds].filter((tenantId) => !known.has(tenantId));
    if (unknown.length === 0) return;
    const stored = await policies.findAll(unknown);
    if (known.size + unknown.length > maxTenants) known.clear();
    for (const tenantId of unknown) known.set(tenantId, resolvePolicy(stored.get(tenantId), defaults));
  }

  function isDue(message: StoredMessage, at: Date): boolean {
    const policy = known.get(message.tenantId);
    if (policy === undefined || policy.legalHold) return false;
    return isOld(policy, cutoffsAt(policy, at), {
      importance: message.importance,
      createdAt: new Date(message.createdAt),
      storedAt: new Date(message.updatedAt),
    });
  }

  return {
    get count() {
      return count;
    },
    async add(messages) {
      const own = messages.filter(({ tenantId }) => scheduled === undefined || scheduled.has(tenantId));
      if (own.length === 0 || count === null) return;
      try {
        await readPolicies(new Set(messages.map(({ tenantId }) => tenantId)));
        const at = new Date(clock.now().getTime() + schedule.everySeconds * 1000);
        const due = own.filter(
          (message) => isDue(message, at) && (message.expiresAt === undefined || new Date(message.expiresAt) > at),
        );
        if (count !== null) count += due.length;
      } catch (error) {
        count = null;
        logger.warn({ err: error }, 'retention policies not read: an import does not say what is due');
      }
    },
  };
}
