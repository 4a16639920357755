import fs from 'node:fs';
import path from 'node:path';

import { PostgresEngine, type EngineOptions } from './postgres-engine.ts';
import { compileEngine } from './shared-memory.ts';
import { runSql } from './run-sql.ts';

export interface OpenClusterOptions {
  /** Folder that holds everything of this database; undefined: in memory. */
  readonly dataDir: string | undefined;
  readonly template: Uint8Array | undefined;
  readonly settings: Readonly<Record<string, string>>;
}

/** Subfolder of the cluster's files, beside the lock, which must not be opened and closed with them. */
const clusterFolder = 'pgdata';
const unfinishedClusterFolder = 'pgdata.new';

/** What a start is at: the first two only when there is no database yet, which takes some ten seconds. */
export type StartStep = 'creating' | 'syncing' | 'opening';

/** Keeps code as long as its engine. */
const codeOf = new WeakMap<PostgresEngine, object>();

/** Opens the cluster of a folder, making it first when there is none. */
export async function openCluster(
  options: OpenClusterOptions,
  onStep: (step: StartStep) => void = () => undefined,
): Promise<PostgresEngine> {
  const { dataDir, template, settings } = options;
  if (dataDir === undefined) return openInMemory(template, settings);
  const clusterDir = path.join(dataDir, clusterFolder);
  const isNew = !fs.existsSync(clusterDir);
  // Of the engine that makes the cluster: the one that opens it goes on with that code, and V8 has nothing to free.
  const code = isNew ? await compileEngine() : undefined;
  if (isNew) await createCluster({ dataDir, clusterDir, options, onStep });
  onStep('opening');
  const engine = await PostgresEngine.open({ clusterDir, template: undefined, settings });
  if (code !== undefined) codeOf.set(engine, code);
  return engine;
}

/** Databases that nobody can connect to here, and that a dump is better off without: they are half of its files. */
const spareDatabases = ['template0', 'template1'] as const;

async function openInMemory(
  template: Uint8Array | undefined,
  settings: Readonly<Record<string, string>>,
): Promise<PostgresEngine> {
  const engine = await PostgresEngine.open({ clusterDir: undefined, template, settings });
  if (template) return engine;
  runSql(engine.wire, 'UPDATE pg_database SET datistemplate = false');
  for (const name of spareDatabases) runSql(engine.wire, `DROP DATABASE ${name}`);
  return engine;
}

interface NewCluster {
  readonly dataDir: string;
  readonly clusterDir: string;
  readonly options: OpenClusterOptions;
  readonly onStep: (step: StartStep) => void;
}

/**
 * Makes the cluster beside its place and moves it there when it is whole and on the disk: a process that is killed
 * meanwhile leaves nothing that the next start would take for a database.
 */
async function createCluster({ dataDir, clusterDir, options, onStep }: NewCluster): Promise<void> {
  onStep('creating');
  const unfinishedDir = path.join(dataDir, unfinishedClusterFolder);
  fs.rmSync(unfinishedDir, { recursive: true, force: true });
  fs.mkdirSync(unfinishedDir, { recursive: true, mode: 0o700 });
  const engineOptions: EngineOptions = { ...options, clusterDir: unfinishedDir };
  const engine = await PostgresEngine.open(engineOptions);
  await engine.close();
  onStep('syncing');
  for (const entry of fs.readdirSync(unfinishedDir, { recursive: true, encoding: 'utf8' })) {
    fsyncPath(path.join(unfinishedDir, entry));
  }
  fsyncPath(unfinishedDir);
  fs.renameSync(unfinishedDir, clusterDir);
  fsyncPath(dataDir);
}

function fsyncPath(file: string): void {
  const descriptor = fs.openSync(file, 'r');
  try {
    fs.fsyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
}
