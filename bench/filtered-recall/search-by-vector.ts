// What is measured is inside the api and no business of other packages: this is the one place that reaches for it.
// oxlint-disable-next-line no-restricted-imports
export { planTenant } from '../../services/api/search/plan/search-plan.ts';
// oxlint-disable-next-line no-restricted-imports
export { planNearest } from '../../services/api/search/plan/vector-plan.ts';
// oxlint-disable-next-line no-restricted-imports
export { nearestCandidates, type NearestQuery } from '../../services/api/search/sql/nearest.sql.ts';
// oxlint-disable-next-line no-restricted-imports
export { tenantSql } from '../../services/api/search/sql/tenant.sql.ts';
// oxlint-disable-next-line no-restricted-imports
export { createReadySegmentsRepository } from '../../services/api/search/stats/ready-segments.repository.ts';
// oxlint-disable-next-line no-restricted-imports
export { createSegmentDirectory } from '../../services/api/search/stats/segment-directory.ts';
