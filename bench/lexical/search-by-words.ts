// What is measured is inside the api and no business of other packages: this is the one place that reaches for it.
// oxlint-disable-next-line no-restricted-imports
export { createLexicalIndex, type LexicalIndex } from '../../services/api/search/lexical/lexical-index.ts';
// oxlint-disable-next-line no-restricted-imports
export type { LexicalQuery } from '../../services/api/search/lexical/lexical-query.ts';
// oxlint-disable-next-line no-restricted-imports
export { parseSearchText } from '../../services/api/search/lexical/search-text.ts';
// oxlint-disable-next-line no-restricted-imports
export { tenantInSql } from '../../services/api/search/tenant-in-sql.ts';
