import { sql, type RawBuilder } from 'kysely';
import type { SearchPlan } from '../plan/search-plan.ts';
import { tenantSql } from './tenant.sql.ts';

/** The text of a candidate, to be compared with others and with the query. */
export interface TextRow {
  readonly id: string;
  /** Hash of the content, in hex. */
  readonly hash: string;
  /** Null when it is too long, when the rows before it reach the limit, or when another row with this hash has it. */
  readonly content: string | null;
}

export interface TextQuery extends Pick<SearchPlan, 'tenant'> {
  /** Best first. */
  readonly ids: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

// A longer text is compared by its hash alone: it is repeated as a copy.
const maxTextBytes = 2000;
// Limit of all texts together, so that comparing them takes a few milliseconds.
const maxBytes = 128 * 1024;

/** Reads each content once, and no long content: PostgreSQL stores its length apart from it. */
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
