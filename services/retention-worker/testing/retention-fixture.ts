import { createHash } from 'node:crypto';
import type {
  ArchiveReason,
  RetentionAction,
  RetentionPolicyTable,
  RetentionRunTable,
  Schema,
} from '@memory-layer/shared/db/schema';
import { sql, type Insertable, type Kysely, type Selectable } from 'kysely';
import { v7 as uuidv7 } from 'uuid';

/** The moment at which the tests take place. */
export const now = new Date('2026-03-01T12:00:00.000Z');

const dayMs = 86_400_000;
export const daysAgo = (days: number): Date => new Date(now.getTime() - days * dayMs);
export const justBefore = (date: Date): Date => new Date(date.getTime() - 1);

export interface MessageSeed {
  readonly id?: string;
  readonly conversationId?: string;
  readonly createdAt?: Date;
  /** The time in its id; the present when not given. */
  readonly storedAt?: Date;
  readonly importance?: number;
  readonly expiresAt?: Date | null;
  readonly externalId?: string | null;
}

let tenants = 0;

/** A tenant of its own for a test, with what tests put into it and ask of it. */
export async function createTenant(db: Kysely<Schema>, createdAt = daysAgo(365)) {
  tenants += 1;
  const tenantId = `tenant-${tenants}`;
  await db.insertInto('tenant').values({ tenant_id: tenantId, created_at: createdAt }).execute();

  return {
    tenantId,

    /** @returns the ids, in the order of the seeds. Unless said otherwise: a year old, of no importance. */
    async addMessages(...seeds: readonly MessageSeed[]): Promise<string[]> {
      const rows = seeds.map((seed) => toMessage(tenantId, seed));
      const indexed = rows.map((row) => ({ ...row, search_language: 'english 3', search_vector: '' }));
      await db.insertInto('message').values(indexed).execute();
      return rows.map((row) => row.id);
    },

    async addArchived(...seeds: readonly (MessageSeed & { archivedAt: Date })[]): Promise<string[]> {
      const reason: ArchiveReason = 'age';
      const rows = seeds.map((seed) => ({
        ...toMessage(tenantId, seed),
        archived_at: seed.archivedAt,
        archive_reason: reason,
      }));
      await db.insertInto('archived_message').values(rows).execute();
      return rows.map((row) => row.id);
    },

    async setPolicy(policy: Partial<Omit<Insertable<RetentionPolicyTable>, 'tenant_id'>>): Promise<void> {
      await db
        .insertInto('retention_policy')
        .values({ tenant_id: tenantId, ...policy })
        .onConflict((conflict) => conflict.column('tenant_id').doUpdateSet({ tenant_id: tenantId, ...policy }))
        .execute();
    },

    async holdConversation(conversationId: string, held = true): Promise<void> {
      await db
        .insertInto('conversation')
        .values({ tenant_id: tenantId, conversation_id: conversationId, metadata: '{}', legal_hold: held })
        .onConflict((conflict) => conflict.columns(['tenant_id', 'conversation_id']).doUpdateSet({ legal_hold: held }))
        .execute();
    },

    async askForRun(
      actions: readonly RetentionAction[] = ['archive', 'delete'],
      options: Partial<Omit<Insertable<RetentionRunTable>, 'tenant_id' | 'run_id' | 'actions'>> = {},
    ): Promise<string> {
      const runId = uuidv7();
      await db
        .insertInto('retention_run')
        .values({
          tenant_id: tenantId,
          run_id: runId,
          actions: sql`${actions}::text[]`,
          dry_run: false,
          requested_at: now,
          ...options,
        })
        .execute();
      return runId;
    },

    async getRun(runId: string): Promise<Selectable<RetentionRunTable>> {
      return db
        .selectFrom('retention_run')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('run_id', '=', runId)
        .executeTakeFirstOrThrow();
    },

    async messageIds(): Promise<string[]> {
      const rows = await db
        .selectFrom('message')
        .select('id')
        .where('tenant_id', '=', tenantId)
        .orderBy('id')
        .execute();
      return rows.map((row) => row.id);
    },

    async archivedIds(): Promise<string[]> {
      const rows = await db
        .selectFrom('archived_message')
        .select('id')
        .where('tenant_id', '=', tenantId)
        .orderBy('id')
        .execute();
      return rows.map((row) => row.id);
    },

    /** Reason by id. */
    async archiveReasons(): Promise<Record<string, ArchiveReason>> {
      const rows = await db
        .selectFrom('archived_message')
        .select(['id', 'archive_reason'])
        .where('tenant_id', '=', tenantId)
        .execute();
      return Object.fromEntries(rows.map((row) => [row.id, row.archive_reason]));
    },
  };
}

function toMessage(tenantId: string, seed: MessageSeed) {
  const id = seed.id ?? (seed.storedAt === undefined ? uuidv7() : uuidv7({ msecs: seed.storedAt.getTime() }));
  const content = `what was said in ${id}`;
  const createdAt = seed.createdAt ?? daysAgo(365);
  return {
    tenant_id: tenantId,
    id,
    conversation_id: seed.conversationId ?? 'c-1',
    role: 'user' as const,
    content,
    metadata: JSON.stringify({ tag: 'kept', nested: { n: 1 } }),
    importance: seed.importance ?? 0,
    external_id: seed.externalId ?? null,
    content_hash: createHash('sha256').update(content).digest(),
    created_at: createdAt,
    updated_at: createdAt,
    expires_at: seed.expiresAt ?? null,
  };
}
