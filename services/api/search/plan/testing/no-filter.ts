import type { CandidateFilter } from '../search-plan.ts';

/** Everything may be a hit. */
export const noFilter: CandidateFilter = {
  conversationIds: undefined,
  roles: undefined,
  createdAfter: undefined,
  createdBefore: undefined,
  importanceMin: undefined,
  importanceMax: undefined,
  metadata: undefined,
  where: undefined,
  throughId: undefined,
  similarity: undefined,
};
