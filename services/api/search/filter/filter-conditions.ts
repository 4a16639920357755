import { encodeHalfvec } from '@memory-layer/shared/db/halfvec';
import { sql, type RawBuilder } from 'kysely';
import { compileMetadataFilter } from './metadata-sql.ts';
import type { CandidateFilter, SearchFilter, SimilarityThreshold } from './search-filter.ts';

/**
 * The filter as SQL over the alias given, `e` of `embedding` or `m` of `message`. Metadata is only on `message`:
 * see {@link metadataCondition}.
 */
export function filterConditions(filter: CandidateFilter, alias: 'e' | 'm'): RawBuilder<boolean> {
  const column = (name: string) => sql.ref(`${alias}.${name}`);
  const conditions: RawBuilder<boolean>[] = [sql<boolean>`true`];
  if (filter.conversationIds !== undefined) {
    conditions.push(sql`${column('conversation_id')} = any(${[...filter.conversationIds]}::text[])`);
  }
  if (filter.roles !== undefined) conditions.push(sql`${column('role')} = any(${[...filter.roles]}::text[])`);
  if (filter.createdAfter !== undefined) conditions.push(sql`${column('created_at')} >= ${filter.createdAfter}`);
  if (filter.createdBefore !== undefined) conditions.push(sql`${column('created_at')} < ${filter.createdBefore}`);
  if (filter.importanceMin !== undefined) conditions.push(sql`${column('importance')} >= ${filter.importanceMin}`);
  if (filter.importanceMax !== undefined) conditions.push(sql`${column('importance')} <= ${filter.importanceMax}`);
  if (filter.throughId !== undefined) {
    conditions.push(sql`${column(alias === 'e' ? 'message_id' : 'id')} <= ${filter.throughId}::uuid`);
  }
  if (filter.similarity !== undefined) conditions.push(similarityCondition(filter.similarity, alias));
  return sql.join(conditions, sql` and `);
}

/** Containment of the filter's metadata, and what else must hold for it, for the alias `m` of `message`. */
export function metadataCondition(filter: Pick<SearchFilter, 'metadata' | 'where'>): RawBuilder<boolean> {
  const conditions: RawBuilder<boolean>[] = [sql<boolean>`true`];
  if (filter.metadata !== undefined) conditions.push(contains(filter.metadata));
  if (filter.where !== undefined) conditions.push(compileMetadataFilter(filter.where));
  return sql.join(conditions, sql` and `);
}

/** Whether {@link metadataCondition} says anything, so that `message` has to be read. */
export function filtersMetadata(filter: SearchFilter): boolean {
  return filter.metadata !== undefined || filter.where !== undefined;
}

function contains(metadata: Readonly<Record<string, unknown>>): RawBuilder<boolean> {
  const contained = sql<boolean>`m.metadata @> ${JSON.stringify(metadata)}::jsonb`;
  // Said although it follows: the index holds only messages that have metadata.
  return Object.keys(metadata).length === 0 ? contained : sql<boolean>`(m.metadata <> '{}' and ${contained})`;
}

function similarityCondition(threshold: SimilarityThreshold, alias: 'e' | 'm'): RawBuilder<boolean> {
  const { tenantId, generation, min, vector } = threshold;
  const parameter = encodeHalfvec(vector);
  if (alias === 'e') return sql<boolean>`1 - (e.vector <=> ${parameter}::halfvec) >= ${min}`;
  return sql<boolean>`exists (
    select from embedding s
    where s.tenant_id = ${tenantId} and s.message_id = m.id and s.generation = ${generation}
      and 1 - (s.vector <=> ${parameter}::halfvec) >= ${min})`;
}
