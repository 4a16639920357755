import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { lockFolder, startEmbeddedPostgres, type EmbeddedPostgres } from '@memory-layer/embedded-postgres';
import { ConfigError } from '@memory-layer/shared/config/load-config';
import { loadDotEnv } from '@memory-layer/shared/config/load-dot-env';
import { Database } from '@memory-layer/shared/db/database';
import { migrate } from '@memory-layer/shared/db/migrate';
import { migrationsFolder } from '@memory-layer/shared/db/migrations-folder';
import type { Embedder } from '@memory-layer/shared/embedding/embedder';
import { embedderFromConfig } from '@memory-layer/shared/embedding/embedder-from-config';
import { runProcess } from '@memory-layer/shared/lifecycle/run-process';
import type { Logger } from '@memory-layer/shared/observability/logger';
import { migrateQueueSchema } from '@memory-layer/shared/queue/migrate-queue-schema';
import { version } from '@memory-layer/shared/version';
import { banner } from './banner.ts';
import { composeStandalone } from './compose.ts';
import { loadStandaloneConfig, type StandaloneConfig } from './config.ts';
import { readOrMakeKey } from './generated-key.ts';
import { createStandaloneLogger } from './standalone-logger.ts';

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function run(config: StandaloneConfig): Promise<number> {
  const dataDir = resolve(config.dataDir);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const lock = lockFolder(dataDir);
  try {
    return await serve(config, dataDir);
  } finally {
    lock.release();
  }
}

async function serve(config: StandaloneConfig, dataDir: string): Promise<number> {
  const logger = createStandaloneLogger(config);
  say(`memory-layer ${version} starts`);
  say('  opening the database and loading the embedding model …');
  const embedder = embedderFromConfig(config.embedding, {
    cacheDir: join(dataDir, 'models'),
    onProgress: (progress) => say(`  embedding model: ${progress}`),
  });
  // Beside the database: both take a second. A failure shows when the component starts, which tries again.
  embedder.start().catch(() => undefined);
  const postgres = await startEmbeddedPostgres({ dataDir: join(dataDir, 'postgres') });
  postgres.failed.catch((error: unknown) => {
    // Nothing can be stored or read any more; at the next start everything acknowledged is there.
    logger.fatal({ err: error }, 'the embedded database ended unexpectedly');
    process.exit(1);
  });
  try {
    return await runOn(postgres, config, { dataDir, embedder, logger });
  } catch (error) {
    await Promise.all([embedder.stop(), postgres.stop()]);
    throw error;
  }
}

interface Surroundings {
  readonly dataDir: string;
  readonly embedder: Embedder;
  readonly logger: Logger;
}

async function runOn(
  postgres: EmbeddedPostgres,
  config: StandaloneConfig,
  { dataDir, embedder, logger }: Surroundings,
): Promise<number> {
  const generatedKey = config.api.apiKeys.length > 0 ? undefined : await readOrMakeKey(dataDir);
  const { api, components } = composeStandalone(config, {
    postgres,
    embedder,
    generatedKey,
    version,
    logger,
  });
  await applyMigrations(postgres);
  await migrateQueueSchema(postgres.connection);
  return runProcess(components, {
    logger,
    shutdownDeadlineMs: config.shutdownDeadlineMs,
    onStarted: () => say(banner({ url: api.url, generatedKey, dataDir, model: embedder.modelId })),
  });
}

/** Over a connection of its own: a migration may take longer than statements of the services. */
async function applyMigrations({ connection }: EmbeddedPostgres): Promise<void> {
  const database = new Database({
    connection,
    poolSize: 1,
    acquireTimeoutMs: 10_000,
    applicationName: 'memory-layer migrate',
    onConnectionError: () => undefined,
  });
  try {
    const { applied } = await migrate(database.queries, migrationsFolder);
    for (const name of applied) say(`  applied migration ${name}`);
  } finally {
    await database.stop();
  }
}

try {
  loadDotEnv();
  process.exitCode = await run(loadStandaloneConfig(process.env));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = error instanceof ConfigError ? 2 : 1;
}
