// What is measured is inside the api and no business of other packages: this is the one place that reaches for it.
// oxlint-disable-next-line no-restricted-imports
export { nearestCandidates, type NearestQuery } from '../../services/api/search/vector/nearest-candidates.ts';
// oxlint-disable-next-line no-restricted-imports
export { createReadySegmentsRepository } from '../../services/api/search/vector/ready-segments.repository.ts';
// oxlint-disable-next-line no-restricted-imports
export { createSegmentDirectory } from '../../services/api/search/vector/segment-directory.ts';
// oxlint-disable-next-line no-restricted-imports
export { tenantInSql } from '../../services/api/search/tenant-in-sql.ts';
