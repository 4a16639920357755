import type { OnnxOutput, OnnxTask } from './onnx-protocol.ts';
import { packRows, unpackVectors } from './packed-rows.ts';

/** Work for a thread, and who gets its outcome. */
export interface Job {
  readonly task: OnnxTask;
  readonly resolve: (output: OnnxOutput) => void;
  readonly reject: (error: unknown) => void;
}

/** Rows that one caller wants vectors of. */
interface Call {
  readonly vectors: Float32Array[];
  missing: number;
  /** Answered, well or badly: its rows in batches under way are of no interest any more. */
  ended: boolean;
  /** False once a batch with others' rows has failed: from then on only its own rows can fail it. */
  mixes: boolean;
  readonly resolve: (vectors: Float32Array[]) => void;
  readonly reject: (error: unknown) => void;
}

interface Waiting {
  readonly call: Call;
  readonly index: number;
  readonly row: Int32Array;
}

/**
 * Rows of token ids that wait for a thread. A batch is made when a thread is free, of rows of like length from all
 * callers: so little is padded although each caller has few texts, and a caller with one text waits for little more
 * than the batch under way, whatever others have.
 */
export class RowQueue {
  readonly #tokenBudget: number;
  /** In the order of their coming. */
  readonly #waiting = new Map<Call, Set<Waiting>>();
  /** Rows of the callers that mix, the shortest first. */
  #byLength: Waiting[] = [];
  #takesOldest = false;

  /** @param tokenBudget largest rows x longest of a batch; a row above it is a batch of its own. */
  constructor(tokenBudget: number) {
    this.#tokenBudget = tokenBudget;
  }

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  /**
   * @param signal takes out what waits and rejects at once.
   * @returns vectors in the order of the rows.
   */
  push(rows: readonly Int32Array[], signal: AbortSignal | undefined): Promise<Float32Array[]> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const { promise, resolve, reject } = Promise.withResolvers<Float32Array[]>();
    const call: Call = { vectors: [], missing: rows.length, ended: false, mixes: true, resolve, reject };
    this.#add(
      call,
      rows.map((row, index) => ({ call, index, row })),
    );
    if (signal === undefined) return promise;
    const abort = (): void => this.#end(call, signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    return promise.finally(() => signal.removeEventListener('abort', abort));
  }

  /** A batch around a row of the caller that has least to wait for, and in turn of the one that came first. */
  take(): Job | undefined {
    const seed = this.#seed();
    if (seed === undefined) return undefined;
    const candidates = seed.call.mixes ? this.#byLength : sorted([...(this.#waiting.get(seed.call) ?? [])]);
    const { from, to } = bucketByLength(candidates, candidates.indexOf(seed), this.#tokenBudget);
    const batch = candidates.splice(from, to - from);
    for (const entry of batch) this.#remove(entry);
    return {
      task: { kind: 'infer', rows: packRows(batch.map(({ row }) => row)) },
      resolve: (output) => this.#deliver(batch, output),
      reject: (error) => this.#fail(batch, error),
    };
  }

  /** Rejects all that waits. */
  failAll(error: unknown): void {
    for (const call of this.#waiting.keys()) this.#end(call, error);
  }

  #seed(): Waiting | undefined {
    this.#takesOldest = !this.#takesOldest;
    let chosen: Set<Waiting> | undefined;
    for (const rows of this.#waiting.values()) {
      if (chosen === undefined || rows.size < chosen.size) chosen = rows;
      if (this.#takesOldest) break;
    }
    return chosen?.values().next().value;
  }

  #add(call: Call, entries: readonly Waiting[]): void {
    this.#waiting.set(call, new Set([...(this.#waiting.get(call) ?? []), ...entries]));
    if (call.mixes) this.#byLength = sorted([...this.#byLength, ...entries]);
  }

  #remove(entry: Waiting): void {
    const rows = this.#waiting.get(entry.call);
    rows?.delete(entry);
    if (rows?.size === 0) this.#waiting.delete(entry.call);
  }

  #deliver(batch: readonly Waiting[], output: OnnxOutput): void {
    if (output.kind !== 'infer') return this.#fail(batch, new Error(`a thread answered ${output.kind} to infer`));
    const vectors = unpackVectors(output.vectors);
    batch.forEach(({ call, index }, position) => {
      const vector = vectors[position];
      if (vector) call.vectors[index] = vector;
      call.missing -= 1;
      if (call.missing === 0) call.resolve(call.vectors);
    });
  }

  /** A row that was alone in the batch is at fault, or out of luck; of several, each goes on by itself. */
  #fail(batch: readonly Waiting[], error: unknown): void {
    const byCall = Map.groupBy(batch, ({ call }) => call);
    for (const [call, entries] of byCall) {
      if (byCall.size === 1) this.#end(call, error);
      else if (!call.ended) this.#part(call, entries);
    }
  }

  #part(call: Call, entries: readonly Waiting[]): void {
    call.mixes = false;
    this.#byLength = this.#byLength.filter((entry) => entry.call !== call);
    this.#add(call, entries);
  }

  #end(call: Call, error: unknown): void {
    this.#waiting.delete(call);
    this.#byLength = this.#byLength.filter((entry) => entry.call !== call);
    call.ended = true;
    call.reject(error);
  }
}

/** Nearly sorted already, which makes it cheap. */
function sorted(entries: readonly Waiting[]): Waiting[] {
  return entries.toSorted((a, b) => a.row.length - b.row.length);
}

interface HasRow {
  readonly row: { readonly length: number };
}

/** Part of a list: from one place up to, and without, another. */
interface Range {
  readonly from: number;
  readonly to: number;
}

/**
 * A batch around one entry: those nearest to it in length, as many as the budget allows for. A batch is computed as a
 * rectangle of rows x its longest, so what differs in length costs padding.
 *
 * @param byLength all there is, the shortest first.
 * @param seed place of the entry that must be in it.
 * @param tokenBudget largest rows x longest of the batch; the seed is taken even if it alone is larger.
 */
function bucketByLength(byLength: readonly HasRow[], seed: number, tokenBudget: number): Range {
  const lengthAt = (place: number): number | undefined => byLength[place]?.row.length;
  const own = lengthAt(seed) ?? 0;
  let from = seed;
  let to = seed + 1;
  for (let longest = own; ;) {
    const shorter = lengthAt(from - 1) ?? Number.NEGATIVE_INFINITY;
    const longer = lengthAt(to) ?? Number.POSITIVE_INFINITY;
    const upwards = longer - own < own - shorter;
    const grown = upwards ? longer : longest;
    const isEnd = from === 0 && to === byLength.length;
    if (isEnd || (to - from + 1) * grown > tokenBudget) return { from, to };
    if (upwards) to += 1;
    else from -= 1;
    longest = grown;
  }
}
