import { join, resolve } from 'node:path';
import { lockFolder, startEmbeddedPostgres, type EmbeddedPostgres } from '@memory-layer/embedded-postgres';
import { ConfigError } from '@memory-layer/shared/config/load-config';
import { loadDotEnv } from '@memory-layer/shared/config/load-dot-env';
import { Database } from '@memory-layer/shared/db/database';
import { migrate, migrationsFolder } from '@memory-layer/shared/db/migrate';
import type { Embedder } from '@memory-layer/shared/embedding/embedder';
import { embedderFromConfig } from '@memory-layer/shared/embedding/embedder-from-config';
import { apiAddressVariables, checkAddress } from '@memory-layer/shared/http/listen';
import { endProcess, exitOnSignal, runProcess } from '@memory-layer/shared/process/run-process';
import { LogOutput } from '@memory-layer/shared/observability/log-output';
import { createLogger, type Logger } from '@memory-layer/shared/observability/logger';
import { migrateQueueSchema } from '@memory-layer/shared/queue/migrate-queue-schema';
import { version } from '@memory-layer/shared/version';
import { prettyFactory } from 'pino-pretty';
import { banner } from './banner.ts';
import { composeStandalone } from './compose.ts';
import { loadStandaloneConfig, type StandaloneConfig } from './config.ts';
import { prepareDataFolder, readOrMakeKey } from './data-folder.ts';

async function run(config: StandaloneConfig, output: LogOutput): Promise<number> {
  const dataDir = resolve(config.dataDir);
  await checkAddress({ host: config.api.host, port: config.api.port, variables: apiAddressVariables });
  await prepareDataFolder(dataDir);
  const lock = lockFolder(dataDir);
  try {
    return await serve(config, dataDir, output);
  } finally {
    lock.release();
  }
}

const databaseSteps = {
  creating: 'making a new one, which takes some ten seconds',
  syncing: 'writing it to the disk',
  opening: 'opening it',
};

async function serve(config: StandaloneConfig, dataDir: string, output: LogOutput): Promise<number> {
  const logger = createStandaloneLogger(config, output);
  const say = (line: string): void => output.write(`${line}\n`);
  say(`memory-layer ${version} starts`);
  for (const name of config.withoutEffect) {
    say(`  ${name} has no effect here: one process has a database of its own, in MEMORY_DATA_DIR`);
  }
  const embedder = embedderFromConfig(config.embedding, {
    cacheDir: join(dataDir, 'models'),
    onProgress: (progress) => say(`  embedding model: ${progress}`),
    onWarning: (message) => logger.warn(message),
  });
  // Beside the database: both take a second. A model that cannot be had ends the start at once.
  const noModel = embedder.start().then(() => new Promise<never>(() => undefined));
  const opening = startEmbeddedPostgres({
    dataDir: join(dataDir, 'postgres'),
    onStep: (step) => say(`  database: ${databaseSteps[step]} …`),
  });
  const postgres = await Promise.race([opening, noModel]);
  postgres.failed.catch((error: unknown) => {
    // Nothing can be stored or read any more; at the next start everything acknowledged is there.
    logger.fatal({ err: error }, 'the embedded database ended unexpectedly');
    process.exit(1);
  });
  try {
    return await runOn(postgres, config, { dataDir, embedder, logger, output, say });
  } catch (error) {
    await Promise.all([embedder.stop(), postgres.stop()]);
    throw error;
  }
}

/** JSON lines, or lines for people when a person is looking. */
function createStandaloneLogger(config: Pick<StandaloneConfig, 'logLevel' | 'logFormat'>, output: LogOutput): Logger {
  const isPretty = config.logFormat === 'pretty' || (config.logFormat === 'auto' && process.stdout.isTTY);
  const options = { service: 'standalone', level: config.logLevel };
  if (!isPretty) return createLogger({ ...options, stream: output });
  const prettify = prettyFactory({ ignore: 'pid,hostname,service' });
  return createLogger({ ...options, stream: { write: (line) => output.write(prettify(line)) } });
}

interface RunDeps {
  readonly dataDir: string;
  readonly embedder: Embedder;
  readonly logger: Logger;
  readonly output: LogOutput;
  readonly say: (line: string) => void;
}

async function runOn(
  postgres: EmbeddedPostgres,
  config: StandaloneConfig,
  { dataDir, embedder, logger, output, say }: RunDeps,
): Promise<number> {
  const generatedKey = config.api.apiKeys.length > 0 ? undefined : await readOrMakeKey(dataDir);
  const { api, components } = composeStandalone(config, {
    postgres,
    embedder,
    generatedKey,
    version,
    logger,
    output,
  });
  await applyMigrations(postgres, say);
  say('  database: tables of the job queue …');
  await migrateQueueSchema(postgres.connection);
  say('  starting the services …');
  stopExitOnSignal();
  return runProcess(components, {
    logger,
    shutdownDeadlineMs: config.shutdownDeadlineMs,
    onStarted: () =>
      say(
        banner({ url: api.url, generatedKey, dataDir, model: embedder.modelId, retention: config.retention.defaults }),
      ),
  });
}

/** Over a connection of its own: a migration may take longer than statements of the services. */
async function applyMigrations({ connection }: EmbeddedPostgres, say: (line: string) => void): Promise<void> {
  const database = new Database({
    connection,
    poolSize: 1,
    acquireTimeoutMs: 10_000,
    applicationName: 'memory-layer migrate',
    onConnectionError: () => undefined,
  });
  try {
    const { applied } = await migrate(database.queries, migrationsFolder);
    for (const name of applied) say(`  database: applied migration ${name}`);
  } finally {
    await database.stop();
  }
}

const stopExitOnSignal = exitOnSignal(0);
const standardOutput = new LogOutput();
let exitCode: number;
try {
  loadDotEnv();
  exitCode = await run(loadStandaloneConfig(process.env), standardOutput);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  exitCode = error instanceof ConfigError ? 2 : 1;
}
await endProcess(exitCode, standardOutput);
