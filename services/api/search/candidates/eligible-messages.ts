import { sql, type RawBuilder } from 'kysely';
import { filterConditions, filtersMetadata, metadataCondition } from '../filter/filter-conditions.ts';
import { requestLimits } from '../../cost/request-cost.ts';
import { countValues, isIndexed, unindexedConditions } from '../filter/metadata-filter.ts';
import { containsAny, splitLongList } from '../filter/metadata-sql.ts';
import type { CandidateFilter } from '../filter/search-filter.ts';
import { estimateFilter, type NearestQuery } from '../vector/nearest-candidates.ts';
import type { CandidateQuery } from './candidate-query.ts';

/**
 * Messages that pass a filter, looked up once for both sides of a search. Where they are few, both compare just them;
 * where they are not, each side comes by enough of them on its own way.
 */
export interface EligibleMessages {
  /** Common table expressions that the others refer to. */
  readonly tables: RawBuilder<unknown>;
  /** A table of one column, `id`, with repeats. Complete when the filter is selective. */
  readonly table: RawBuilder<unknown>;
  /** Few enough pass to compare all their vectors, which takes no longer than asking the graphs for those that pass. */
  readonly isSelective: RawBuilder<boolean>;
  /** Few enough pass to score all of them by their words. */
  readonly isSelectiveByWords: RawBuilder<boolean>;
}

/** How many messages are few. */
export interface FewMessages {
  /** Of more than these enough are found by their words soon. */
  readonly byWords: number;
  /** More are found soon by the graphs, however many hits are wanted. */
  readonly byVector: number;
  /** Messages that a filter is compared with that no index serves: the newest ones. */
  readonly compared: number;
}

export const fewMessages: FewMessages = {
  byWords: 5000,
  byVector: 20_000,
  compared: requestLimits.comparedMessages,
};

// An index finds what has one of them, and compares it with all of them in no time.
const cheapValues = 8;

/** Whether comparing a message with the filter costs so much that it should be done once. */
function isCostly({ where, similarity }: CandidateFilter): boolean {
  if (similarity !== undefined) return true;
  return where !== undefined && (unindexedConditions(where) > 0 || countValues(where) > cheapValues);
}

/** Whether the tenant has more messages than the filter is compared with, so that older ones that pass may be missed. */
export function comparesNewest({ filter, lexical }: CandidateQuery, few: FewMessages = fewMessages): boolean {
  const { where, metadata } = filter;
  if (where === undefined || isIndexed(where) || lexical.tenantMessages <= few.compared) return false;
  const isContained = metadata !== undefined && Object.keys(metadata).length > 0;
  return unindexedConditions(where) > 0 && !isContained;
}

/**
 * Undefined when it is not worth it: for a filter that indexes answer, for a small tenant, and when fewer messages have
 * the words than would be looked at for the filter.
 */
export function eligibleMessages(
  query: CandidateQuery,
  nearest: NearestQuery | undefined,
  few: FewMessages,
): EligibleMessages | undefined {
  const { filter, lexical } = query;
  if (!isCostly(filter) || lexical.tenantMessages <= few.byWords) return undefined;
  if (nearest === undefined && lexical.hasWords && lexical.expectedMatches <= few.byWords) return undefined;
  const { isCommon, affordable } =
    nearest === undefined ? { isCommon: undefined, affordable: 0 } : estimateFilter(nearest);
  const most = Math.max(few.byWords, Math.min(affordable, few.byVector));
  return {
    tables: sql`
      filter_is_common as materialized (${isCommon ?? sql`select false as is_true`}),
      eligible as materialized (
        ${filter.similarity === undefined ? fromMessages(query, few) : fromVectors(query)}
          and not (select is_true from filter_is_common)
        limit ${sql.lit(most + 1)}
      ),
      filter_is_selective as materialized (
        select found <= ${sql.lit(most)} as is_true, found <= ${sql.lit(few.byWords)} as by_words from (
          select case when (select is_true from filter_is_common) then ${sql.lit(most + 1)} else (select count(*) from eligible) end as found
        ) counted
      )`,
    table: sql`eligible`,
    isSelective: sql<boolean>`(select is_true from filter_is_selective)`,
    isSelectiveByWords: sql<boolean>`(select by_words from filter_is_selective)`,
  };
}

function fromMessages(query: CandidateQuery, few: FewMessages): RawBuilder<unknown> {
  const { tenant, filter, lexical } = query;
  const list = filter.where && splitLongList(filter.where);
  const ofMetadata = metadataCondition(list === undefined ? filter : { ...filter, where: list.rest });
  const conditions = sql`m.tenant_id = ${tenant.id} and ${filterConditions(filter, 'm')} and ${ofMetadata}
    and ${lexical.mustMatch('m') ?? sql`true`}`;
  if (list === undefined) {
    const newest = sql`(select n.* from ${tenant.message} n where n.tenant_id = ${tenant.id}
      order by n.id desc limit ${sql.lit(few.compared)})`;
    return sql`select m.id from ${comparesNewest(query, few) ? newest : tenant.message} m where ${conditions}`;
  }
  return sql`
    select m.id from (${containsAny(list.documents, tenant)}) listed cross join lateral (
      select m.id from ${tenant.message} m where m.id = listed.id and ${conditions} offset 0
    ) m where true`;
}

/** A threshold of similarity is compared with every vector anyway. */
function fromVectors({ tenant, generation, filter, lexical }: CandidateQuery): RawBuilder<unknown> {
  const ofMessage = sql`${metadataCondition(filter)} and ${lexical.mustMatch('m') ?? sql`true`}`;
  const isJoined = filtersMetadata(filter) || lexical.mustMatch('m') !== undefined;
  const join = isJoined
    ? sql`join ${tenant.message} m on m.tenant_id = ${tenant.id} and m.id = e.message_id and ${ofMessage}`
    : sql``;
  return sql`select e.message_id as id from ${tenant.embedding} e ${join}
    where e.tenant_id = ${tenant.id} and e.generation = ${sql.lit(generation)} and ${filterConditions(filter, 'e')}`;
}
