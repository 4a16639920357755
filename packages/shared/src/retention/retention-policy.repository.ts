import type { Kysely } from 'kysely';
import type { Schema } from '../db/schema.ts';
import type { StoredPolicy } from './retention-policy.ts';

export type RetentionPolicyRepository = ReturnType<typeof createRetentionPolicyRepository>;

export function createRetentionPolicyRepository(db: Kysely<Schema>) {
  return {
    /** The policies that these tenants set, by tenant. A tenant that set nothing is missing. */
    async findAll(tenantIds: readonly string[]): Promise<ReadonlyMap<string, StoredPolicy>> {
      const rows = await db
        .selectFrom('retention_policy')
        .select([
          'tenant_id as tenantId',
          'max_age_days as maxAgeDays',
          'age_of as ageOf',
          'importance_threshold as importanceThreshold',
          'delete_after_days as deleteAfterDays',
          'max_items as maxItems',
          'match_mode as matchMode',
          'legal_hold as legalHold',
        ])
        .where('tenant_id', 'in', tenantIds)
        .execute();
      return new Map(rows.map(({ tenantId, ...policy }) => [tenantId, policy]));
    },
  };
}
