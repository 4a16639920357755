/** The outcome of a message of an import. `skipped` has nothing to store; `expired` was past its `expires_at` when it came. */
const importStatuses = [
  'stored',
  'duplicate',
  'updated',
  'archived',
  'expired',
  'skipped',
  'conflict',
  'error',
] as const;
export type ImportStatus = (typeof importStatuses)[number];

/** What a line of the answer to an import can be: an outcome, a line of a dry run, or the last line. */
export const importLineStatuses = [...importStatuses, 'mapped', 'summary', 'end'] as const;
export type ImportLineStatus = (typeof importLineStatuses)[number];
