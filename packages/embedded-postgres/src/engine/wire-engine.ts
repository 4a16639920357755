import type { EngineModule } from './engine-module.ts';

/** Status with which the engine leaves its main loop after an ERROR, to be taken back in where it handles errors. */
const LONG_JUMP_STATUS = 100;

/**
 * The engine stopped in a way that it cannot be trusted after: a PANIC, a failed fsync, a trap of WebAssembly or a
 * native stack that ran out. What was committed is on the disk; the next start recovers it from the log.
 */
export class EngineCrash extends Error {
  override readonly name = 'EngineCrash';
}

/**
 * Runs wire messages on the engine, one unit at a time, on the thread of the caller.
 *
 * It takes the place of PGlite's execProtocolRaw, which swallows every exception, and so goes on with an engine that
 * has crashed; which buffers the whole answer; and which serves one client.
 */
export class WireEngine {
  readonly #module: EngineModule;
  #input: Uint8Array = new Uint8Array(0);
  #offset = 0;
  #onData: (bytes: Uint8Array) => void = () => {};

  constructor(module: EngineModule) {
    this.#module = module;
    const read = module.addFunction((pointer, length) => this.#read(pointer, length), 'ipi');
    const write = module.addFunction((pointer, length) => this.#write(pointer, length), 'ipi');
    module._pgl_set_rw_cbs(read, write);
  }

  /**
   * Runs whole messages to their end.
   * @param onData gets the answer piece by piece; each piece is a view that is valid only during the call
   * @throws EngineCrash when the engine is beyond repair
   */
  execute(messages: Uint8Array, onData: (bytes: Uint8Array) => void): void {
    this.#input = messages;
    this.#offset = 0;
    this.#onData = onData;
    try {
      while (this.#offset < messages.length || this.#module._pq_buffer_remaining_data() > 0) this.#runOneMessage();
      this.#module._PostgresSendReadyForQueryIfNecessary();
      this.#module._pgl_pq_flush();
    } catch (error) {
      throw new EngineCrash(`the embedded database has crashed: ${String(error)}`, { cause: error });
    } finally {
      this.#input = new Uint8Array(0);
    }
  }

  #runOneMessage(): void {
    const stack = this.#module.stackSave();
    try {
      this.#module._PostgresMainLoopOnce();
    } catch (error) {
      if (!isLongJump(error)) throw error;
      this.#module.stackRestore(stack);
      this.#module._PostgresMainLongJmp();
    }
  }

  #read(pointer: number, maxLength: number): number {
    const bytes = this.#input.subarray(this.#offset, this.#offset + maxLength);
    this.#module.HEAPU8.set(bytes, pointer);
    this.#offset += bytes.length;
    return bytes.length;
  }

  #write(pointer: number, length: number): number {
    this.#onData(this.#module.HEAPU8.subarray(pointer, pointer + length));
    return length;
  }
}

function isLongJump(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'status' in error && error.status === LONG_JUMP_STATUS;
}
