import { MemoryFS, PGlite } from '@electric-sql/pglite';
import { vector } from '@electric-sql/pglite-pgvector';

import { DurableNodeFs } from './durable-node-fs.ts';
import { loopOf } from './engine-module.ts';
import { sharedMemory } from './shared-memory.ts';
import { memoryInitdbArguments, startParameters } from './start-parameters.ts';
import { WireEngine } from './wire-engine.ts';

export interface EngineOptions {
  /** Folder of the cluster itself; undefined: in memory. */
  readonly clusterDir: string | undefined;
  /** Tarball to start from when there is no cluster yet. */
  readonly template: Uint8Array | undefined;
  readonly settings: Readonly<Record<string, string>>;
}

const logLinesKept = 20;

/** PGlite without the query at its start that reads array types for a result parser that is not used here. */
class WireOnlyPGlite extends PGlite {
  override async _initArrayTypes(): Promise<void> {}
}

/** PostgreSQL with pgvector, running on the thread that opened it. */
export class PostgresEngine {
  readonly wire: WireEngine;
  readonly #database: PGlite;
  readonly #files: MemoryFS | DurableNodeFs;
  readonly #log: readonly string[];

  private constructor(database: PGlite, files: MemoryFS | DurableNodeFs, log: readonly string[]) {
    this.#database = database;
    this.#files = files;
    this.#log = log;
    this.wire = new WireEngine(loopOf(database));
  }

  /** @throws Error that ends with the last lines of the engine's log when it does not start */
  static async open(options: EngineOptions): Promise<PostgresEngine> {
    const log: string[] = [];
    const files = options.clusterDir === undefined ? new MemoryFS() : new DurableNodeFs(options.clusterDir);
    const keepLine = (line: string): boolean => {
      log.push(line);
      if (log.length > logLinesKept) log.shift();
      return false;
    };
    const database = new WireOnlyPGlite({
      fs: files,
      extensions: { sharedMemory, vector },
      startParams: startParameters(options.clusterDir !== undefined, options.settings),
      onStderr: keepLine,
      ...(options.clusterDir === undefined ? { initDbStartParams: memoryInitdbArguments } : {}),
      ...(options.template ? { loadDataDir: tarballFile(options.template) } : {}),
    });
    try {
      await database.waitReady;
    } catch (error) {
      const reason = [textOf(error), ...log].join('\n');
      throw new Error(`the embedded database does not start: ${reason}`, { cause: error });
    }
    return new PostgresEngine(database, files, log);
  }

  /** How many writes the engine has forced to the disk; stays 0 in memory. */
  get fsyncCount(): number {
    return this.#files instanceof DurableNodeFs ? this.#files.fsyncCount : 0;
  }

  /** The last lines that the engine has logged. */
  get logTail(): string {
    return this.#log.join('\n');
  }

  /** The files of the cluster as a tarball. The caller sees to it that no transaction is open. */
  async dump(): Promise<Uint8Array<ArrayBuffer>> {
    const file = await this.#database.dumpDataDir('none');
    return new Uint8Array(await file.arrayBuffer());
  }

  /** Writes a last checkpoint and leaves the files as after a clean shutdown. */
  async close(): Promise<void> {
    await this.#database.close();
  }
}

// As WASI numbers them, not as the host does.
const fileSystemErrors = new Map<unknown, string>([
  [2, 'permission denied'],
  [19, 'the quota of the disk is used up'],
  [29, 'input/output error'],
  [51, 'no space left on the disk'],
  [69, 'the file system is read-only'],
]);

/** What was thrown, as text: Emscripten throws what its file system refuses as an object that holds a number. */
function textOf(error: unknown): string {
  const errno = typeof error === 'object' && error !== null && 'errno' in error ? error.errno : undefined;
  if (errno === undefined || error instanceof Error) return String(error);
  return fileSystemErrors.get(errno) ?? `the file system refuses with error ${JSON.stringify(errno)}`;
}

const gzipMagic = [0x1f, 0x8b] as const;

function tarballFile(tarball: Uint8Array): File {
  const isGzip = gzipMagic.every((byte, index) => tarball[index] === byte);
  const type = isGzip ? 'application/gzip' : 'application/x-tar';
  // Blob wants an ArrayBuffer that is not shared, which a Uint8Array from anywhere does not promise by its type.
  return new File([new Uint8Array(tarball)], 'template', { type });
}
