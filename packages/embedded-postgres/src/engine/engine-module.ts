import type { PGlite } from '@electric-sql/pglite';

/**
 * The part of PGlite's Emscripten module that is used here. Its own types extend globals of a package that PGlite does
 * not bring along; the version of PGlite is pinned, and the tests fail when one of these is missing.
 */
export interface EngineModule {
  readonly HEAPU8: Uint8Array;
  readonly FS: { readonly filesystems: { readonly NODEFS: NodeFileSystem } };
  addFunction(callback: (pointer: number, length: number) => number, signature: string): number;
  stackSave(): number;
  stackRestore(pointer: number): void;
  _pgl_set_rw_cbs(read: number, write: number): void;
  _pgl_pq_flush(): void;
  _pq_buffer_remaining_data(): number;
  _PostgresMainLoopOnce(): void;
  _PostgresMainLongJmp(): void;
  _PostgresSendReadyForQueryIfNecessary(): void;
}

/** Emscripten's NODEFS: files of the host, one descriptor of the host for each open stream. */
export interface NodeFileSystem {
  /** Turns errors of the host into errno values for PostgreSQL. */
  tryFSOperation(operation: () => void): void;
  readonly stream_ops: { fsync?: (stream: { readonly nfd: number }) => number };
}

export function moduleOf(database: PGlite): EngineModule {
  // At this boundary the types of PGlite do not say what is there (see EngineModule).
  return database.Module as unknown as EngineModule;
}
