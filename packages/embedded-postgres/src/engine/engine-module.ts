import type { PGlite } from '@electric-sql/pglite';

import type { InterruptFlags } from './running-unit.ts';

/**
 * The part of PGlite's Emscripten module that is used here, under its own names. PGlite's types extend globals of a
 * package that it does not bring along; its version is pinned, and nothing works here when one of these is missing.
 */
interface EmscriptenModule {
  readonly HEAPU8: Uint8Array<SharedArrayBuffer>;
  readonly FS: { readonly filesystems: { readonly NODEFS: NodeFileSystem } };
  readonly addFunction: (callback: (pointer: number, length: number) => number, signature: string) => number;
  readonly stackSave: () => number;
  readonly stackRestore: (pointer: number) => void;
  readonly _pgl_set_rw_cbs: (read: number, write: number) => void;
  readonly _pgl_pq_flush: () => void;
  readonly _pq_buffer_remaining_data: () => number;
  readonly _PostgresMainLoopOnce: () => void;
  readonly _PostgresMainLongJmp: () => void;
  readonly _PostgresSendReadyForQueryIfNecessary: () => void;
  /** Addresses of PostgreSQL's globals. */
  readonly _QueryCancelPending: number;
  readonly _InterruptPending: number;
  readonly _MyLatch: number;
}

/** Emscripten's NODEFS: files of the host, one descriptor of the host for each open stream. */
export interface NodeFileSystem {
  /** Turns errors of the host into errno values for PostgreSQL. */
  tryFSOperation(operation: () => void): void;
  readonly stream_ops: { fsync?: (stream: { readonly nfd: number }) => number };
}

/** PostgreSQL's main loop, to be driven step by step. */
export interface EngineLoop {
  /** The engine's memory. To be asked for each time: it moves when it grows. */
  readonly memory: () => Uint8Array;
  /** Sets how the engine reads what clients send, and writes its answers: (pointer, length) to the length done. */
  readonly setTransport: (read: Transfer, write: Transfer) => void;
  readonly stackSave: () => number;
  readonly stackRestore: (pointer: number) => void;
  readonly runOneMessage: () => void;
  /** What PostgreSQL does after an ERROR, before it goes on. */
  readonly recoverFromError: () => void;
  readonly sendReadyForQueryIfDue: () => void;
  readonly flush: () => void;
  /** How much the engine has read and not run yet. */
  readonly bufferedBytes: () => number;
  readonly flags: InterruptFlags;
}

type Transfer = (pointer: number, length: number) => number;

export function loopOf(database: PGlite): EngineLoop {
  const module = asEmscriptenModule(database.Module);
  const { _PostgresMainLoopOnce, _PostgresMainLongJmp, _PostgresSendReadyForQueryIfNecessary } = module;
  const { _QueryCancelPending, _InterruptPending, _MyLatch } = module;
  const { _pgl_set_rw_cbs, _pgl_pq_flush, _pq_buffer_remaining_data } = module;
  return {
    memory: () => module.HEAPU8,
    setTransport: (read, write) => _pgl_set_rw_cbs(module.addFunction(read, 'ipi'), module.addFunction(write, 'ipi')),
    stackSave: module.stackSave,
    stackRestore: module.stackRestore,
    runOneMessage: _PostgresMainLoopOnce,
    recoverFromError: _PostgresMainLongJmp,
    sendReadyForQueryIfDue: _PostgresSendReadyForQueryIfNecessary,
    flush: _pgl_pq_flush,
    bufferedBytes: _pq_buffer_remaining_data,
    flags: {
      memory: module.HEAPU8.buffer,
      queryCancelPending: _QueryCancelPending,
      interruptPending: _InterruptPending,
      latch: _MyLatch,
    },
  };
}

export function nodeFileSystemOf(module: unknown): NodeFileSystem {
  return asEmscriptenModule(module).FS.filesystems.NODEFS;
}

function asEmscriptenModule(module: unknown): EmscriptenModule {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- PGlite's types do not say it (see EmscriptenModule)
  return module as EmscriptenModule;
}
