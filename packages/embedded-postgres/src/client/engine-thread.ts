import { Worker } from 'node:worker_threads';

import type { StartStep } from '../engine/open-cluster.ts';
import { RunningUnit } from '../engine/running-unit.ts';
import type { EngineThreadData, FromEngine, ToEngine } from '../thread-messages.ts';
import { readStartupPacket } from '../wire/startup-packet.ts';
import { EngineStream, type EngineLink } from './engine-stream.ts';

/**
 * Stack of the engine's thread in MB. WebAssembly runs on it; with Node's 4 MB, SQL that PostgreSQL answers with
 * "stack depth limit exceeded" or with success would end the engine instead.
 */
const engineStackMb = 64;

/** How often it is looked at whether the unit that runs is to be cancelled. */
const cancelCheckMs = 50;

/** The main thread's view of the engine's thread: streams for clients, requests, and its end. */
export class EngineThread {
  readonly #worker: Worker;
  readonly #streams = new Map<number, EngineStream>();
  readonly #dumps = new Map<number, PromiseWithResolvers<Uint8Array>>();
  readonly #ready = Promise.withResolvers<void>();
  readonly #failed = Promise.withResolvers<never>();
  readonly #stopped = Promise.withResolvers<void>();
  readonly #onStep: (step: StartStep) => void;
  readonly #cancelKey: number;
  /** By the number of the client that asked, until it has its answer: whose unit is to be cancelled, and which. */
  readonly #cancelling = new Map<number, { readonly session: number; readonly unit: number | undefined }>();
  #running: RunningUnit | undefined;
  #cancelCheck: NodeJS.Timeout | undefined;
  #nextNumber = 1;
  /** Why the engine takes no more clients. */
  #endReason: Error | undefined;

  constructor(data: EngineThreadData, onStep: (step: StartStep) => void) {
    this.#onStep = onStep;
    this.#cancelKey = data.cancelKey;
    const file = import.meta.url.endsWith('.ts') ? '../engine.worker.ts' : '../engine.worker.js';
    this.#worker = new Worker(new URL(file, import.meta.url), {
      workerData: data,
      resourceLimits: { stackSizeMb: engineStackMb },
      name: 'embedded-postgres',
    });
    // Callers attach handlers of their own; a rejection without one must not end the process.
    this.#failed.promise.catch(() => {});
    this.#ready.promise.catch(() => {});
    this.#stopped.promise.catch(() => {});
    this.#worker.on('message', (message: FromEngine) => this.#receive(message));
    this.#worker.on('error', (error) => this.#fail(error));
    this.#worker.on('exit', (code) => this.#fail(new Error(`the thread of the engine has ended with code ${code}`)));
  }

  /** Resolves when the engine takes clients; rejects with the reason when it does not start. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Rejects when the engine ends without having been stopped. */
  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  /** A socket for one client, to be connected by it. */
  stream(): EngineStream {
    return new EngineStream((stream) => this.#connect(stream));
  }

  async dump(): Promise<Uint8Array> {
    if (this.#endReason) throw this.#endReason;
    const request = this.#takeNumber();
    const dumped = Promise.withResolvers<Uint8Array>();
    this.#dumps.set(request, dumped);
    this.#post({ kind: 'dump', request });
    return dumped.promise;
  }

  /** Ends the engine after a last checkpoint. Rejects when the engine fails at that. */
  async stop(): Promise<void> {
    if (!this.#endReason) {
      this.#endReason = new Error('the embedded database has been stopped');
      this.#post({ kind: 'stop' });
      this.#running?.cancelAny();
    }
    await this.#stopped.promise;
    await this.#worker.terminate();
  }

  #connect(stream: EngineStream): EngineLink {
    if (this.#endReason) throw this.#endReason;
    const client = this.#takeNumber();
    this.#streams.set(client, stream);
    this.#post({ kind: 'connect', client });
    let isFirst = true;
    return {
      send: (bytes) => {
        if (isFirst) this.#cancelIfAsked(client, bytes);
        isFirst = false;
        this.#post({ kind: 'data', client, bytes }, [bytes.buffer]);
      },
      finish: () => {
        if (this.#streams.delete(client)) this.#post({ kind: 'finish', client });
      },
      disconnect: () => {
        if (this.#streams.delete(client)) this.#post({ kind: 'disconnect', client });
      },
    };
  }

  /** The engine's thread does not read while it runs a unit: what a client sends to cancel that is read here, too. */
  #cancelIfAsked(client: number, bytes: Uint8Array): void {
    const packet = readStartupPacket(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    if (packet.kind !== 'cancel-request' || packet.key !== this.#cancelKey) return;
    const session = packet.sessionId;
    this.#cancelling.set(client, { session, unit: this.#running?.cancel(session) });
  }

  /** Cancels what has begun since it was asked for, what goes on all the same, and what has been running for too long. */
  #checkCancels(): void {
    for (const [client, { session, unit }] of this.#cancelling) {
      const running = this.#running?.cancel(session, unit);
      if (unit === undefined && running !== undefined) this.#cancelling.set(client, { session, unit: running });
    }
    if (this.#endReason) this.#running?.cancelAny();
    else this.#running?.cancelIfLate();
  }

  #receive(message: FromEngine): void {
    if (message.kind === 'ready') this.#start(new RunningUnit(message.running));
    else if (message.kind === 'data') this.#streams.get(message.client)?.receive(message.bytes);
    else if (message.kind === 'end') this.#end(message.client);
    else if (message.kind === 'step') this.#onStep(message.step);
    else if (message.kind === 'stopped') this.#stopped.resolve();
    else {
      const dump = this.#dumps.get(message.request);
      this.#dumps.delete(message.request);
      if (message.kind === 'dumped') dump?.resolve(message.tarball);
      else dump?.reject(new Error(message.message));
    }
  }

  #start(running: RunningUnit): void {
    this.#running = running;
    this.#cancelCheck = setInterval(() => this.#checkCancels(), cancelCheckMs).unref();
    this.#ready.resolve();
  }

  #end(client: number): void {
    this.#cancelling.delete(client);
    const stream = this.#streams.get(client);
    this.#streams.delete(client);
    stream?.receiveEnd();
  }

  /** The thread is gone: nobody may go on waiting for an answer. */
  #fail(error: unknown): void {
    const reason = error instanceof Error ? error : new Error(String(error));
    const isExpected = this.#endReason !== undefined;
    this.#endReason ??= reason;
    clearInterval(this.#cancelCheck);
    for (const stream of this.#streams.values()) stream.destroy(reason);
    this.#streams.clear();
    for (const dump of this.#dumps.values()) dump.reject(reason);
    this.#dumps.clear();
    this.#ready.reject(reason);
    if (isExpected) return this.#stopped.reject(reason);
    this.#failed.reject(reason);
    this.#stopped.resolve();
  }

  #takeNumber(): number {
    this.#nextNumber += 1;
    return this.#nextNumber;
  }

  #post(message: ToEngine, transfer: ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer);
  }
}
