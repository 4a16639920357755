import { RunningUnit } from './running-unit.ts';
import type { EngineLoop } from './engine-module.ts';

/** Status with which the engine leaves its main loop after an ERROR, to be taken back in where it handles errors. */
const longJumpStatus = 100;

/**
 * The engine stopped in a way that it cannot be trusted after: a PANIC, a failed fsync, a trap of WebAssembly or a
 * native stack that ran out. What was committed is on the disk; the next start recovers it from the log.
 */
export class EngineCrash extends Error {
  override readonly name = 'EngineCrash';
}

export interface CancellableUnit {
  readonly session: number;
  /** By `process.hrtime`; undefined: none. */
  readonly deadlineNs: bigint | undefined;
}

/**
 * Runs wire messages on the engine, one unit at a time, on the thread of the caller.
 *
 * It takes the place of PGlite's execProtocolRaw, which swallows every exception, and so goes on with an engine that
 * has crashed; which buffers the whole answer; and which serves one client.
 */
export class WireEngine {
  /** The unit that can be cancelled from other threads. */
  readonly running: RunningUnit;
  readonly #loop: EngineLoop;
  #input: Uint8Array = new Uint8Array(0);
  #offset = 0;
  #onData: (bytes: Uint8Array) => void = () => {};

  constructor(loop: EngineLoop) {
    this.#loop = loop;
    this.running = RunningUnit.over(loop.flags);
    loop.setTransport(
      (pointer, maxLength) => this.#read(pointer, maxLength),
      (pointer, length) => this.#write(pointer, length),
    );
  }

  /**
   * Runs whole messages to their end.
   * @param cancellable whose they are, and until when they may run; undefined: nobody can cancel them
   * @param onData gets the answer piece by piece; each piece is a view that is valid only during the call
   * @throws EngineCrash when the engine is beyond repair
   */
  execute(messages: Uint8Array, onData: (bytes: Uint8Array) => void, cancellable?: CancellableUnit): void {
    this.#input = messages;
    this.#offset = 0;
    this.#onData = onData;
    try {
      // What follows the messages is outside of PostgreSQL's handling of errors: nothing may interrupt it.
      if (cancellable) this.running.begin(cancellable.session, cancellable.deadlineNs);
      while (this.#offset < messages.length || this.#loop.bufferedBytes() > 0) this.#runOneMessage();
      if (cancellable) this.running.end(cancellable.session);
      this.#loop.sendReadyForQueryIfDue();
      this.#loop.flush();
    } catch (error) {
      throw new EngineCrash(`the embedded database has crashed: ${String(error)}`, { cause: error });
    } finally {
      this.#input = new Uint8Array(0);
    }
  }

  #runOneMessage(): void {
    const stack = this.#loop.stackSave();
    try {
      this.#loop.runOneMessage();
    } catch (error) {
      if (!isLongJump(error)) throw error;
      this.#loop.stackRestore(stack);
      this.#loop.recoverFromError();
    }
  }

  #read(pointer: number, maxLength: number): number {
    const bytes = this.#input.subarray(this.#offset, this.#offset + maxLength);
    this.#loop.memory().set(bytes, pointer);
    this.#offset += bytes.length;
    return bytes.length;
  }

  #write(pointer: number, length: number): number {
    this.#onData(this.#loop.memory().subarray(pointer, pointer + length));
    return length;
  }
}

function isLongJump(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'status' in error && error.status === longJumpStatus;
}
