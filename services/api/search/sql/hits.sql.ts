import { decodeHalfvec, encodeHalfvec } from '@memory-layer/shared/db/halfvec';
import type { Role } from '@memory-layer/shared/db/schema';
import { normalise } from '@memory-layer/shared/embedding/vector';
import { isUnexpired } from '@memory-layer/shared/message/expiry.sql';
import { instantColumn } from '@memory-layer/shared/time/instant.sql';
import { sql, type RawBuilder } from 'kysely';
import { requestLimits } from '../../cost/request-cost.ts';
import { isWithinBytes, messageBytes } from '../../cost/within-bytes.sql.ts';
import type { SearchPlan } from '../plan/search-plan.ts';
import { isPassage, messagesById, tenantSql } from './tenant.sql.ts';

/** What is shown of a hit, and its plain similarity. */
export interface HitRow {
  readonly id: string;
  readonly conversation_id: string;
  readonly role: Role;
  readonly content: string;
  readonly metadata: Record<string, unknown>;
  /** Of both, as text. */
  readonly bytes: number;
  readonly created_at: string;
  readonly similarity: number | null;
  /** The newest message of the tenant, hit or not. */
  readonly newest_id: string;
}

/** A hit that is there, and is too large to be read with those before it. */
export type UnreadHitRow = Omit<HitRow, 'content' | 'metadata'> & { readonly content: null; readonly metadata: null };

export interface HitQuery extends Pick<SearchPlan, 'tenant' | 'generation'> {
  readonly signal?: AbortSignal | undefined;
}

export interface MeanVectorQuery {
  readonly tenantId: string;
  /** The partition of its rows; undefined: all partitions are searched. */
  readonly partition?: number | undefined;
  readonly generation: number;
  readonly ids: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

interface MeanVectorRow {
  readonly id: string;
  readonly mean: Buffer;
}

/** @param vector plain query vector; without one no similarity is known */
export function hitsStatement(
  query: HitQuery,
  ids: readonly string[],
  vector: Float32Array | undefined,
  maxBytes: number = requestLimits.answerBytes,
): RawBuilder<HitRow | UnreadHitRow> {
  const tenant = tenantSql(query.tenant);
  const similarity =
    vector === undefined
      ? sql<null>`null::float8`
      : sql<number>`(select 1 - min(e.vector <=> ${encodeHalfvec(vector)}::halfvec) from ${tenant.embedding} e
              where ${isPassage(tenant, query.generation)})`;
  const bytes = messageBytes(sql.ref('m'));
  const fits = isWithinBytes(bytes, sql`array_position(${[...ids]}::uuid[], m.id)`, maxBytes);
  return sql<HitRow | UnreadHitRow>`
        select m.id, m.conversation_id, m.role, case when ${fits} then m.content end as content,
               case when ${fits} then m.metadata end as metadata, ${bytes} as bytes, ${instantColumn('m.created_at')} as created_at,
               ${similarity} as similarity,
               (select n.id from ${tenant.message} n where n.tenant_id = ${tenant.key} order by n.id desc limit 1) as newest_id
        from ${messagesById(ids, tenant, 'id, conversation_id, role, content, metadata, created_at, expires_at')}
        where ${isUnexpired('m')}
      `;
}

// As many as have some 1 500 words. The mean of those of a long message hardly moves with more.
const comparedPassages = 8;

/** One vector a message, the mean of its first passages. A message that is not embedded has none. */
export function meanVectorsStatement(query: MeanVectorQuery): RawBuilder<MeanVectorRow> {
  const { tenantId, partition, generation, ids } = query;
  const { key, embedding } = tenantSql({ id: tenantId, isLiteral: false, partition });
  return sql<MeanVectorRow>`
    select message_id as id, halfvec_send(avg(vector)) as mean from ${embedding}
    where tenant_id = ${key} and generation + 0 = ${generation} and message_id = any(${[...ids]}::uuid[])
      and passage_no < ${sql.lit(comparedPassages)}
    group by message_id`;
}

/** The direction of each, by id. */
export function toDirections(rows: readonly MeanVectorRow[]): ReadonlyMap<string, Float32Array> {
  return new Map(rows.map((row) => [row.id, normalise(decodeHalfvec(row.mean))]));
}
