import { sql, type RawBuilder } from 'kysely';
import type { SearchFilter } from './search.ts';

/**
 * The filter as SQL over the columns that `embedding` and `message` have in common, under the alias given.
 * Metadata is only on `message`: see {@link metadataCondition}.
 */
export function filterConditions(filter: SearchFilter, alias: 'e' | 'm'): RawBuilder<boolean> {
  const column = (name: string) => sql.ref(`${alias}.${name}`);
  const conditions: RawBuilder<boolean>[] = [sql<boolean>`true`];
  if (filter.conversationIds !== undefined) {
    conditions.push(sql`${column('conversation_id')} = any(${[...filter.conversationIds]}::text[])`);
  }
  if (filter.roles !== undefined) conditions.push(sql`${column('role')} = any(${[...filter.roles]}::text[])`);
  if (filter.createdAfter !== undefined) conditions.push(sql`${column('created_at')} >= ${filter.createdAfter}`);
  if (filter.createdBefore !== undefined) conditions.push(sql`${column('created_at')} < ${filter.createdBefore}`);
  if (filter.importanceMin !== undefined) conditions.push(sql`${column('importance')} >= ${filter.importanceMin}`);
  return sql.join(conditions, sql` and `);
}

/** Containment of the filter's metadata, for the alias `m` of `message`. */
export function metadataCondition(filter: SearchFilter): RawBuilder<boolean> {
  if (filter.metadata === undefined) return sql<boolean>`true`;
  // Said although it follows: the index holds only messages that have metadata.
  const contained = sql<boolean>`m.metadata @> ${JSON.stringify(filter.metadata)}::jsonb`;
  return Object.keys(filter.metadata).length === 0 ? contained : sql<boolean>`(m.metadata <> '{}' and ${contained})`;
}
