import fs from 'node:fs';

import type { PGlite } from '@electric-sql/pglite';
import { NodeFS } from '@electric-sql/pglite/nodefs';

import { nodeFileSystemOf } from './engine-module.ts';

type FileSystemInit = Awaited<ReturnType<NodeFS['init']>>;
type EngineOptions = Parameters<NodeFS['init']>[1];

/**
 * PGlite's file system on a folder of the host, with the one operation that Emscripten's NODEFS lacks: fsync. Without
 * it PostgreSQL believes that its log is on the disk when it is not, and a power cut loses commits.
 */
export class DurableNodeFs extends NodeFS {
  /** How often the engine has asked for its writes to be on the disk, and got it. */
  fsyncCount = 0;

  override async init(database: PGlite, options: EngineOptions): Promise<FileSystemInit> {
    const { emscriptenOpts } = await super.init(database, options);
    // Before the engine starts, so that what it does to recover from a crash is made durable too.
    const addFsync = (module: unknown): void => this.#addFsync(module);
    return { emscriptenOpts: { ...emscriptenOpts, preRun: [...(emscriptenOpts.preRun ?? []), addFsync] } };
  }

  #addFsync(module: unknown): void {
    const nodeFs = nodeFileSystemOf(module);
    nodeFs.stream_ops.fsync = (stream) => {
      nodeFs.tryFSOperation(() => fs.fsyncSync(stream.nfd));
      this.fsyncCount += 1;
      return 0;
    };
  }
}
