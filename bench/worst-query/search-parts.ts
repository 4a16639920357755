// What is measured is inside the api and no business of other packages: this is the one place that reaches for it.
// oxlint-disable-next-line no-restricted-imports
export { createCandidateReader } from '../../services/api/search/candidate-reader.ts';
// oxlint-disable-next-line no-restricted-imports
export { createLexicalIndex } from '../../services/api/search/lexical/lexical-index.ts';
// oxlint-disable-next-line no-restricted-imports
export { createDateReader } from '../../services/api/search/ranking/date-terms.ts';
// oxlint-disable-next-line no-restricted-imports
export { defaultWeights } from '../../services/api/search/ranking/weights.ts';
// oxlint-disable-next-line no-restricted-imports
export { fromBody, toResultBody } from '../../services/api/search/search.mapper.ts';
// oxlint-disable-next-line no-restricted-imports
export { createSearchRepository } from '../../services/api/search/search.repository.ts';
// oxlint-disable-next-line no-restricted-imports
export { searchBodySchema } from '../../services/api/search/search.schemas.ts';
// oxlint-disable-next-line no-restricted-imports
export { createSearchService } from '../../services/api/search/search.service.ts';
// oxlint-disable-next-line no-restricted-imports
export { createReadySegmentsRepository } from '../../services/api/search/vector/ready-segments.repository.ts';
// oxlint-disable-next-line no-restricted-imports
export { createSegmentDirectory } from '../../services/api/search/vector/segment-directory.ts';
