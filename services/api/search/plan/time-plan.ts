import { instantOf } from '@memory-layer/shared/time/instant';
import type { NamedTime } from '../query/time-words.ts';
import { createSearchPlan, type SearchPlan, type SearchPlanParts } from './search-plan.ts';

// Enough for a page or two; the others come by their words and their meaning.
const limit = 30;

/**
 * Looks for the best candidates of the time that a query names, beside those of all times: of a thousand talks about
 * one thing, the one of last week is seldom among the best sixty. Undefined where there can be none.
 */
export function planOfTime(parts: SearchPlanParts, time: NamedTime | undefined): SearchPlan | undefined {
  if (time === undefined) return undefined;
  const { createdAfter, createdBefore } = parts.filter;
  const [named, end] = [instantOf(time.from), instantOf(time.to)];
  const from = createdAfter !== undefined && new Date(createdAfter) > time.from ? createdAfter : named;
  const to = createdBefore !== undefined && new Date(createdBefore) < time.to ? createdBefore : end;
  if (new Date(from) >= new Date(to)) return undefined;
  return createSearchPlan({ ...parts, limit, filter: { ...parts.filter, createdAfter: from, createdBefore: to } });
}
