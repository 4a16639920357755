import { instantOf } from '@memory-layer/shared/time/instant';
import type { NamedTime } from '../query/time-words.ts';
import { createSearchPlan, type SearchPlan, type SearchPlanParts } from './search-plan.ts';

// Enough for a page or two. The plan of all times finds the others.
const limit = 30;

/**
 * A plan for the best candidates of the time that a query names, beside those of all times: among a thousand messages
 * about one subject, that of last week is seldom one of the best sixty. Undefined when the filter excludes that time.
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
