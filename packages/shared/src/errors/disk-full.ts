import { AppError } from './app-error.ts';

const maxCauses = 5;

/**
 * Whether an error, or one behind it, says that there is no room left to write. SQLSTATE 53100, disk_full, is what
 * PostgreSQL makes of ENOSPC and EDQUOT.
 */
export function isDiskFull(error: unknown, depth = 0): boolean {
  if (!(error instanceof Error)) return false;
  if ('code' in error && (error.code === '53100' || error.code === 'ENOSPC' || error.code === 'EDQUOT')) return true;
  return depth < maxCauses && isDiskFull(error.cause, depth + 1);
}

/** The database has rolled the statement back. Somebody has to make room, which takes longer than a moment. */
export function diskFullError(cause: unknown): AppError {
  const publicDetail = 'Nothing of this request was stored: the disk of the database is full. Send it again later.';
  return new AppError('unavailable', 'the disk of the database is full', {
    cause,
    publicDetail,
    retryAfterSeconds: 30,
  });
}
