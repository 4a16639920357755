import { isDatabaseUnavailable } from '@memory-layer/shared/db/is-database-unavailable';

/** What is kept of an error: never its text, which may quote a row. */
export interface RunFailure {
  /** Whether the same run may succeed later without a repair. */
  readonly retryable: boolean;
  readonly text: string;
}

// Deadlock and serialization failure, lock not available, statement cancelled.
const transientStates = /^(40...|55P03|57014)$/;

/** Sorts an error of a run: to be tried again, or the end of the run. */
export function describeFailure(error: unknown): RunFailure {
  if (isDatabaseUnavailable(error)) return { retryable: true, text: 'the database is not available' };
  const state = sqlState(error);
  if (state === undefined) return { retryable: false, text: 'the run failed for an unexpected reason' };
  return { retryable: transientStates.test(state), text: `the database refused a statement (SQLSTATE ${state})` };
}

function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  return /^[0-9A-Z]{5}$/.test(error.code) ? error.code : undefined;
}
