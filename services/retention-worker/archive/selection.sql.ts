import type { Schema } from '@memory-layer/shared/db/schema';
import type { Expression, ExpressionBuilder, QueryCreator, SqlBool } from 'kysely';
import type { Scope } from './batch.ts';

type MessageExpressions = ExpressionBuilder<Schema, 'message'>;

/**
 * Every predicate of retention stands in this file once. Runs and dry runs both use it, so that a dry run
 * cannot count something else than a run does.
 */
export function isOld(eb: MessageExpressions, { policy, cutoffs }: Scope): Expression<SqlBool> {
  if (policy.matchMode === 'all') {
    return eb.and([
      eb('message.created_at', '<', cutoffs.oldBefore),
      eb('message.importance', '<', policy.importanceThreshold),
    ]);
  }
  return eb.or([
    eb('message.created_at', '<=', cutoffs.oldBefore),
    eb('message.importance', '<=', policy.importanceThreshold),
  ]);
}

/** Never null, so that its negation keeps the messages that do not expire. */
export function isExpired(eb: MessageExpressions, { cutoffs }: Scope): Expression<SqlBool> {
  return eb.and([eb('message.expires_at', 'is not', null), eb('message.expires_at', '<=', cutoffs.now)]);
}

/** Messages of the tenant that no conversation's legal hold keeps. */
export function selectUnheld(db: QueryCreator<Schema>, tenantId: string) {
  return db
    .selectFrom('message')
    .where('message.tenant_id', '=', tenantId)
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('conversation')
            .select('conversation.tenant_id')
            .whereRef('conversation.tenant_id', '=', 'message.tenant_id')
            .whereRef('conversation.conversation_id', '=', 'message.conversation_id')
            .where('conversation.legal_hold', '=', true),
        ),
      ),
    );
}

/**
 * Ids beyond `max_items`: of the messages that are neither held nor archived for another reason, all but the
 * most important, then newest, ones. One snapshot gives one answer, so concurrent workers agree on it.
 */
export function selectBeyondMaxItems(db: QueryCreator<Schema>, scope: Scope) {
  return selectUnheld(db, scope.tenantId)
    .where((eb) => eb.not(isOld(eb, scope)))
    .where((eb) => eb.not(isExpired(eb, scope)))
    .select('message.id')
    .orderBy('message.importance', 'desc')
    .orderBy('message.created_at', 'desc')
    .orderBy('message.id', 'desc')
    .offset(scope.policy.maxItems ?? Number.MAX_SAFE_INTEGER);
}

/** Archived messages past their date, legal holds left out. */
export function selectDeletable(db: QueryCreator<Schema>, { tenantId, cutoffs }: Scope) {
  return db
    .selectFrom('archived_message')
    .where('archived_message.tenant_id', '=', tenantId)
    .where('archived_message.archived_at', '<=', cutoffs.deleteUpTo)
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('conversation')
            .select('conversation.tenant_id')
            .whereRef('conversation.tenant_id', '=', 'archived_message.tenant_id')
            .whereRef('conversation.conversation_id', '=', 'archived_message.conversation_id')
            .where('conversation.legal_hold', '=', true),
        ),
      ),
    );
}
