import { isDatabaseUnavailable } from '@memory-layer/shared/db/is-database-unavailable';

// 40001: the standby cancels a read that stands in the way of its replay. Class 42: a column or table that a migration
// has made and that is not there yet. XX: its data or the server itself is broken.
const statesOfReplicas = /^(40001|42...|XX...)$/;

/**
 * Whether a read that failed on a standby is worth trying on the primary: the standby is away, or in a state that the
 * primary cannot be in. A statement that took too long is not: it would take as long there.
 */
export function isReplicaFailure(error: unknown): boolean {
  if (isDatabaseUnavailable(error)) return true;
  return error instanceof Error && 'code' in error && statesOfReplicas.test(String(error.code));
}
