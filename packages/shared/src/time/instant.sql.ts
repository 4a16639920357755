import { sql, type RawBuilder } from 'kysely';

/** A timestamptz as text for `instantFromColumn`: the driver would make a `Date` of it, and lose microseconds. */
export function instantColumn(column: string): RawBuilder<string> {
  return sql<string>`to_char(${sql.ref(column)} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
}
