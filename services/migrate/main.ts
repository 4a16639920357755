/**
 * Brings a server's database up to this release and ends: `pnpm migrate`, before the services are started or
 * upgraded. Safe to run twice, and from several places at once.
 */
import { ConfigError, loadEnv } from '@memory-layer/shared/config/load-config';
import { loadDotEnv } from '@memory-layer/shared/config/load-dot-env';
import { Database } from '@memory-layer/shared/db/database';
import { databaseEnv, toDatabaseConfig } from '@memory-layer/shared/db/database-config';
import { isDatabaseUnavailable } from '@memory-layer/shared/db/database-errors';
import { migrate, migrationsFolder } from '@memory-layer/shared/db/migrate';
import { checkServer } from '@memory-layer/shared/db/server-requirements';
import { retryUntilDone } from '@memory-layer/shared/lifecycle/retry';
import { exitOnSignal } from '@memory-layer/shared/process/run-process';
import { migrateQueueSchema } from '@memory-layer/shared/queue/migrate-queue-schema';
import { queueEnv, toQueueConfig } from '@memory-layer/shared/queue/queue-config';

// A database that is only just starting is waited for; one that is not there is an error.
const waitMs = 60_000;

async function run(): Promise<void> {
  const values = loadEnv({ ...databaseEnv, ...queueEnv }, process.env);
  const { url, ...pool } = toDatabaseConfig(values);
  const connection = { connectionString: url };
  const database = new Database({
    connection,
    ...pool,
    poolSize: 2,
    // Building an index takes as long as it takes.
    statementTimeoutMs: 0,
    applicationName: 'memory-layer migrate',
    onConnectionError: () => undefined,
  });
  try {
    await retryUntilDone(() => database.ping(), {
      signal: AbortSignal.timeout(waitMs),
      shouldRetry: isDatabaseUnavailable,
      onRetry: (_error, delayMs) => console.error(`waiting for the database (${Math.round(delayMs)} ms)`),
    });
    const warning = await checkServer(database.queries);
    if (warning !== undefined) console.error(warning);
    const { applied } = await migrate(database.queries, migrationsFolder);
    for (const name of applied) console.log(`applied ${name}`);
    if (applied.length === 0) console.log('nothing to apply');
    if (toQueueConfig(values).kind === 'postgres') await migrateQueueSchema(connection);
  } finally {
    await database.stop();
  }
}

exitOnSignal(1);
try {
  loadDotEnv();
  await run();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = error instanceof ConfigError ? 2 : 1;
}
