// What is measured is inside the api and no business of other packages: this is the one place that reaches for it.
// oxlint-disable no-restricted-imports
export { planWords } from '../../services/api/search/plan/lexical-plan.ts';
export {
  createLexicalIndex,
  type LexicalIndex,
  type LexicalQuery,
} from '../../services/api/search/plan/lexical-query.ts';
export { planTenant } from '../../services/api/search/plan/search-plan.ts';
export { planNearest } from '../../services/api/search/plan/vector-plan.ts';
export { parseOperators } from '../../services/api/search/query/parse-query.ts';
export { lexicalScore, wordCandidates } from '../../services/api/search/sql/lexical.sql.ts';
export { nearestCandidates, type NearestQuery } from '../../services/api/search/sql/nearest.sql.ts';
export { tenantSql } from '../../services/api/search/sql/tenant.sql.ts';
export { createLexicalRepository } from '../../services/api/search/stats/lexical.repository.ts';
export { createReadySegmentsRepository } from '../../services/api/search/stats/ready-segments.repository.ts';
export { createSegmentDirectory } from '../../services/api/search/stats/segment-directory.ts';
