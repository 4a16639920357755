// What is measured is inside the api and no business of other packages: this is the one place that reaches for it.
// oxlint-disable-next-line no-restricted-imports
export {
  createLexicalIndex,
  type LexicalIndex,
  type LexicalQuery,
} from '../../services/api/search/plan/lexical-query.ts';
// oxlint-disable-next-line no-restricted-imports
export { planWords } from '../../services/api/search/plan/lexical-plan.ts';
// oxlint-disable-next-line no-restricted-imports
export { planTenant } from '../../services/api/search/plan/search-plan.ts';
// oxlint-disable-next-line no-restricted-imports
export { parseOperators } from '../../services/api/search/query/parse-query.ts';
// oxlint-disable-next-line no-restricted-imports
export { lexicalScore, wordCandidates } from '../../services/api/search/sql/lexical.sql.ts';
// oxlint-disable-next-line no-restricted-imports
export { tenantSql } from '../../services/api/search/sql/tenant.sql.ts';
// oxlint-disable-next-line no-restricted-imports
export { createLexicalRepository } from '../../services/api/search/stats/lexical.repository.ts';
