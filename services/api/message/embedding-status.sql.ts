import { sql, type RawBuilder } from 'kysely';

/** A message in a statement, and the generation whose vectors are asked for. */
interface MessageSql {
  /** By value wherever one tenant is asked for: a column of another table would bring all partitions into the plan. */
  readonly tenantId: RawBuilder<unknown>;
  readonly id: RawBuilder<unknown>;
  readonly generation: RawBuilder<unknown>;
}

/** Whether a message is embedded. By the primary key: `+ 0` keeps the indexes over generation out of it. */
export function isEmbedded({ tenantId, id, generation }: MessageSql): RawBuilder<boolean> {
  return sql<boolean>`exists (
    select from embedding e where e.tenant_id = ${tenantId} and e.message_id = ${id} and e.generation + 0 = ${generation}
  )`;
}

/**
 * How far a message that is not archived is with its vectors. Derived, so that it can never disagree with what is stored.
 * Neither vectors nor a pending row: its content has just changed, and it will be pending.
 */
export function embeddingStatusOf(message: MessageSql): RawBuilder<'pending' | 'completed' | 'failed'> {
  const { tenantId, id, generation } = message;
  return sql<'pending' | 'completed' | 'failed'>`case
    when ${isEmbedded(message)} then 'completed'
    else coalesce((
      select p.state from embedding_pending p
      where p.tenant_id = ${tenantId} and p.message_id = ${id} and p.generation = ${generation}
    ), 'pending')
  end`;
}
