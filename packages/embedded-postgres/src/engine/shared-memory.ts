import { readFile } from 'node:fs/promises';

import type { Extension } from '@electric-sql/pglite';

/** Pages of 64 kB that PGlite gives its own memory. */
const initialPages = 2048;
const maxPages = 32_768;

/** Where PGlite unpacks the libraries that PostgreSQL loads when it needs them. */
const libraryDir = '/pglite/lib/postgresql';

/** What is used of Emscripten's file system (see EmscriptenModule). */
interface FileSystem {
  readdir(directory: string): string[];
  readFile(file: string): Uint8Array;
  writeFile(file: string, data: Uint8Array): void;
  createPreloadedFile(directory: string, name: string, data: Uint8Array, ...rest: unknown[]): unknown;
}

/** A compiled module, and one with its imports: passed on, not looked into. */
type CompiledModule = object;
type Instance = object;

/** The part of the standard API that is used here; Node's types leave it to those of browsers. */
declare const WebAssembly: {
  readonly Memory: new (limits: { initial: number; maximum: number; shared: true }) => object;
  compile(module: Uint8Array): Promise<CompiledModule>;
  instantiate(module: CompiledModule, imports: object): Promise<Instance>;
};

interface EngineOptions {
  wasmMemory: object;
  preRun?: ((module: { readonly FS: FileSystem }) => void)[];
  instantiateWasm(imports: object, onInstance: (instance: Instance, module: CompiledModule) => void): object;
}

/**
 * Gives the engine a memory that other threads of the process can write to. That is how a statement is cancelled while
 * it runs: no message reaches its thread meanwhile, but PostgreSQL looks at the flag that its signal handler would set.
 *
 * PGlite is built for a memory of one thread. What differs is a bit in the import of the memory, in the engine and in
 * each library that it loads; instructions that read and write are the same.
 * @see https://github.com/WebAssembly/threads/blob/main/proposals/threads/Overview.md#shared-linear-memory
 */
export const sharedMemory: Extension = {
  name: 'shared-memory',
  async setup(database, given) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- PGlite types these options as `any`
    const options = given as EngineOptions;
    const engine = await compileEngine();
    const emscriptenOpts: EngineOptions = {
      ...options,
      wasmMemory: new WebAssembly.Memory({ initial: initialPages, maximum: maxPages, shared: true }),
      instantiateWasm(imports, onInstance) {
        void WebAssembly.instantiate(engine, imports).then((instance) => onInstance(instance, engine));
        return {};
      },
      preRun: [...(options.preRun ?? []), ({ FS }) => shareMemoryOfPreloaded(FS)],
    };
    const init = async (): Promise<void> => {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- PGlite's types do not say it (see EmscriptenModule)
      const { Module: module } = database as unknown as { readonly Module: { readonly FS: FileSystem } };
      shareMemoryOfLibraries(module.FS);
    };
    return { emscriptenOpts, init };
  },
};

/**
 * The engine's code. V8 compiles the same code once for all threads of a process: while somebody keeps what this
 * returns, every further engine of the process starts with the code that those before it have compiled and optimized.
 */
export async function compileEngine(): Promise<object> {
  const file = new URL('./pglite.wasm', import.meta.resolve('@electric-sql/pglite'));
  return WebAssembly.compile(importSharedMemory(await readFile(file)));
}

/** Libraries of PostgreSQL itself: they are read from their files later, with the statement that needs them. */
function shareMemoryOfLibraries(files: FileSystem): void {
  for (const name of files.readdir(libraryDir).filter(isLibrary)) {
    const file = `${libraryDir}/${name}`;
    files.writeFile(file, importSharedMemory(files.readFile(file)));
  }
}

/** Libraries of extensions: they are compiled when they are unpacked. */
function shareMemoryOfPreloaded(files: FileSystem): void {
  const create = files.createPreloadedFile.bind(files);
  files.createPreloadedFile = (directory, name, data, ...rest) =>
    create(directory, name, isLibrary(name) ? importSharedMemory(data) : data, ...rest);
}

function isLibrary(name: string): boolean {
  return name.endsWith('.so');
}

const moduleHeaderLength = 8;
const importSection = 2;
const importKind = { function: 0, table: 1, memory: 2, global: 3, tag: 4 } as const;
const maximumFlag = 1;
const sharedFlag = 2;

/**
 * The same WebAssembly module with its imported memory declared as shared, which needs a maximum; unchanged when it
 * imports none or a shared one.
 * @see https://webassembly.github.io/spec/core/binary/modules.html#import-section
 */
function importSharedMemory(module: Uint8Array): Uint8Array<ArrayBuffer> {
  const reader = new WasmReader(module, moduleHeaderLength);
  while (!reader.isAtEnd) {
    const start = reader.offset;
    const isImports = reader.byte() === importSection;
    const size = reader.integer();
    const body = reader.offset;
    const limits = isImports ? findMemoryLimits(reader) : undefined;
    if (limits !== undefined) {
      if ((limits.flags & sharedFlag) !== 0) break;
      const imports = concat([
        module.subarray(body, limits.start),
        Uint8Array.of(maximumFlag | sharedFlag),
        encodeInteger(limits.minimum),
        encodeInteger(limits.maximum ?? maxPages),
        module.subarray(limits.end, body + size),
      ]);
      const section = concat([Uint8Array.of(importSection), encodeInteger(imports.length), imports]);
      return concat([module.subarray(0, start), section, module.subarray(body + size)]);
    }
    reader.offset = body + size;
  }
  return concat([module]);
}

interface Limits {
  readonly flags: number;
  readonly minimum: number;
  readonly maximum: number | undefined;
  readonly start: number;
  readonly end: number;
}

/** Reads imports up to that of a memory. */
function findMemoryLimits(reader: WasmReader): Limits | undefined {
  for (let left = reader.integer(); left > 0; left -= 1) {
    reader.skipName();
    reader.skipName();
    const kind = reader.byte();
    if (kind === importKind.memory) return reader.limits();
    if (kind === importKind.function) reader.integer();
    else if (kind === importKind.table) {
      reader.byte();
      reader.limits();
    } else if (kind === importKind.global) reader.offset += 2;
    else {
      reader.byte();
      reader.integer();
    }
  }
  return undefined;
}

class WasmReader {
  offset: number;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array, offset: number) {
    this.#bytes = bytes;
    this.offset = offset;
  }

  get isAtEnd(): boolean {
    return this.offset >= this.#bytes.length;
  }

  byte(): number {
    this.offset += 1;
    return this.#bytes[this.offset - 1] ?? 0;
  }

  /** An unsigned integer in LEB128. */
  integer(): number {
    let value = 0;
    let factor = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      factor *= 0x80;
      if (byte < 0x80) return value;
    }
  }

  skipName(): void {
    const length = this.integer();
    this.offset += length;
  }

  limits(): Limits {
    const start = this.offset;
    const flags = this.byte();
    const minimum = this.integer();
    const maximum = (flags & maximumFlag) === 0 ? undefined : this.integer();
    return { flags, minimum, maximum, start, end: this.offset };
  }
}

function encodeInteger(value: number): Uint8Array {
  const bytes: number[] = [];
  let left = value;
  do {
    const byte = left % 0x80;
    left = Math.floor(left / 0x80);
    bytes.push(left > 0 ? byte + 0x80 : byte);
  } while (left > 0);
  return Uint8Array.from(bytes);
}

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}
