import { sql } from 'kysely';

/**
 * One row: a tenant's messages and the bytes of their text and metadata, of at most so many messages. The sizes are read
 * from the heads of values: a long text is not fetched for it.
 */
export function countUpTo(tenantId: string, maxMessages: number) {
  return sql`
    select count(*) as messages, coalesce(sum(size), 0) as bytes from (
      select octet_length(content) + pg_column_size(metadata) as size
      from message where tenant_id = ${tenantId} limit ${maxMessages}
    ) bounded`;
}
