import { sql, type RawBuilder } from 'kysely';
import type { SearchPlan } from '../plan/search-plan.ts';
import { tenantSql } from './tenant.sql.ts';

/** What a candidate says, to compare it with others and with the query. */
export interface TextRow {
  readonly id: string;
  /** Of the content, in hex: the same for the same content. */
  readonly hash: string;
  /** Null when it is too long, when too many stand before it, and when another row of the hash has it. */
  readonly content: string | null;
}

export interface TextQuery extends Pick<SearchPlan, 'tenant'> {
  /** Best first. */
  readonly ids: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

// A longer text is compared by its hash alone: who repeats it copies it.
const maxTextBytes = 2000;
// What all texts have that are read; so they are compared in no time.
const maxBytes = 128 * 1024;

/** Each content is read once. A long content is not read: PostgreSQL keeps its length beside it. */
export function textsStatement({ tenant: planned, ids }: TextQuery): RawBuilder<TextRow> {
  const tenant = tenantSql(planned);
  const asked = sql`${[...ids]}::uuid[]`;
  return sql<TextRow>`
    select id, hash, case when is_read and sum(case when is_read then bytes else 0 end)
             over (order by place rows unbounded preceding) <= ${sql.lit(maxBytes)} then content end as content
    from (
      select m.id, encode(m.content_hash, 'hex') as hash, octet_length(m.content) as bytes, asked.place, m.content,
             octet_length(m.content) <= ${sql.lit(maxTextBytes)}
               and row_number() over (partition by m.content_hash order by asked.place) = 1 as is_read
      from ${tenant.message} m join unnest(${asked}) with ordinality as asked (id, place) on asked.id = m.id
      where m.tenant_id = ${tenant.id} and m.id = any(${asked})
    ) texts`;
}
