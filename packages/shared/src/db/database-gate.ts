import { ConfigError } from '../config/load-config.ts';
import { retryUntilDone } from '../lifecycle/retry.ts';
import type { Logger } from '../observability/logger.ts';
import type { Database } from './database.ts';
import { isDatabaseUnavailable } from './database-errors.ts';
import { listUnapplied, migrationsFolder } from './migrate.ts';
import { checkServer } from './server-requirements.ts';

/** The database answers, but its schema is older than this release. Migrating solves it. */
class SchemaBehindError extends Error {
  override readonly name = 'SchemaBehindError';
}

export interface DatabaseGateOptions {
  readonly database: Database;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/**
 * Waits until the database answers, its server is new enough, and its schema is this release's, then does `then`; all of it again when the
 * database goes away meanwhile.
 *
 * @throws ConfigError when the server will not do, whatever `then` throws that is not the database's absence, and the last error when the signal aborts.
 */
export async function whenDatabaseReady<T>(options: DatabaseGateOptions, then: () => Promise<T>): Promise<T> {
  const { database, logger, signal } = options;
  return retryUntilDone(
    async () => {
      await checkServer(database.queries);
      const missing = await listUnapplied(database.queries, migrationsFolder);
      if (missing.length > 0) throw new SchemaBehindError(`the database lacks ${missing.join(', ')}: run pnpm migrate`);
      return then();
    },
    {
      signal,
      shouldRetry: (error) => isWorthWaiting(error),
      onRetry: (error, delayMs) => {
        const reason = error instanceof Error ? error.message : String(error);
        logger.warn({ reason, delayMs: Math.round(delayMs) }, 'waiting for the database');
      },
    },
  );
}

function isWorthWaiting(error: unknown): boolean {
  if (error instanceof ConfigError) return false;
  return error instanceof SchemaBehindError || isDatabaseUnavailable(error);
}
