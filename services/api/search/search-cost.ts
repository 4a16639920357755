import { AppError } from '@memory-layer/shared/errors/app-error';
import { costOfSearch, requestLimits, type RequestCost } from '../cost/request-cost.ts';
import { shownUpTo } from './query/cursor.ts';
import type { MetadataFilter } from './query/metadata-filter.ts';
import { wordsOf } from './query/parse-query.ts';
import type { SearchFilter, SearchRequest } from './query/search-request.ts';

/**
 * What a search will cost, from the request alone.
 *
 * @throws AppError `invalid_request` when that is more than any search may.
 */
export function costOf(request: SearchRequest): RequestCost {
  const { text, neighbours, candidateLimit, cursor, filter, ranking, source } = request;
  const topK = request.topK * (request.groupSize ?? 1);
  const { words, phrases, required, excluded } = text;
  const shown = cursor === undefined ? 0 : shownUpTo(cursor.length);
  const cost = costOfSearch({
    terms: Math.min(new Set(wordsOf(words)).size, requestLimits.queryTerms),
    clauses: phrases.length + required.length + excluded.length,
    conditions: conditionsOf(filter),
    // A later page looks at what the pages before it showed.
    candidates: Math.max(candidateLimit, shown + topK + 1),
    topK,
    neighbours,
    diverse: ranking.diversity > 0,
  });
  if (cost.units <= requestLimits.searchUnits) return cost;
  const detail = `is too much for one search: it costs ${cost.units} units, and at most ${requestLimits.searchUnits} are allowed`;
  throw new AppError('invalid_request', `The search ${detail}.`, { errors: [{ in: source, pointer: '', detail }] });
}

function conditionsOf(filter: SearchFilter): number {
  const { conversationIds, roles, createdAfter, createdBefore, importanceMin, importanceMax, metadata, where } = filter;
  const plain = [conversationIds, roles, createdAfter, createdBefore, importanceMin, importanceMax, metadata];
  return plain.filter((part) => part !== undefined).length + (where === undefined ? 0 : formsOf(where));
}

function formsOf(filter: MetadataFilter): number {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.parts.reduce((sum, part) => sum + formsOf(part), 0);
    case 'not':
      return formsOf(filter.part);
    default:
      return 1;
  }
}
