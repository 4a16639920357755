import { sql, type RawBuilder } from 'kysely';

/**
 * Whether a row of `message`, `archived_message` or `embedding` is still there for readers. One clock decides for every
 * process and every page: the database's, at the moment of the statement.
 */
export function isUnexpired(alias: string): RawBuilder<boolean> {
  const expiresAt = sql.ref(`${alias}.expires_at`);
  return sql<boolean>`(${expiresAt} is null or ${expiresAt} > now())`;
}
