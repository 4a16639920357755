import { sql, type RawBuilder } from 'kysely';

/**
 * Bytes of a message's content and metadata as text. The content is not read for that: PostgreSQL keeps the length of a
 * value beside it (`toast_raw_datum_size`).
 */
export function messageBytes(table: RawBuilder<unknown>): RawBuilder<number> {
  return sql<number>`(octet_length(${table}.content) + octet_length(${table}.metadata::text))`;
}

/** Whether the rows before this one, in that order, have fewer than `maxBytes` together: the first always fits. */
export function isWithinBytes(
  bytes: RawBuilder<number>,
  order: RawBuilder<unknown>,
  maxBytes: number,
): RawBuilder<boolean> {
  return sql<boolean>`coalesce(sum(${bytes}) over (order by ${order} rows between unbounded preceding and 1 preceding), 0) < ${maxBytes}`;
}
